"""ClickHouse's Native format, written from columns that are dictionaries already.

clickhouse-connect writes it too, but from a list of values a column: it looks every string up again
for each of twenty LowCardinality columns. Format: ClickHouse ``src/Formats/NativeWriter.cpp`` and
``src/DataTypes/Serializations/SerializationLowCardinality.cpp``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHARED_DICTIONARIES = (1).to_bytes(8, "little")  # version of LowCardinality's format
_ADDITIONAL_KEYS, _NEW_DICTIONARY = 1 << 9, 1 << 10
_INDEX = ((1 << 8, 0, np.uint8), (1 << 16, 1, np.uint16), (1 << 32, 2, np.uint32))
_SHORT = tuple(chr(n) for n in range(128))  # lengths that take one byte

LOW = "LowCardinality(String)"
LOW_ARRAY = "Array(LowCardinality(String))"


def leb128(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def strings(values: Iterable[str]) -> bytes:
    """A column of String."""
    listed = list(values)
    try:
        joined = "".join([_SHORT[len(value)] + value for value in listed])
        if joined.isascii():
            return joined.encode()
    except IndexError:
        pass
    encoded = [value.encode() for value in listed]
    return b"".join([leb128(len(value)) + value for value in encoded])


def low_cardinality(keys: Sequence[str], index: NDArray[Any]) -> bytes:
    """A column of LowCardinality(String): row n says ``keys[index[n]]``."""
    return _SHARED_DICTIONARIES + _indexed(keys, index)


def low_arrays(keys: Sequence[Sequence[str]], index: NDArray[Any]) -> bytes:
    """A column of Array(LowCardinality(String)): row n says ``keys[index[n]]``."""
    words = {word: n for n, word in enumerate(dict.fromkeys(w for key in keys for w in key))}
    flat = np.array([words[word] for key in keys for word in key], np.int64)
    lengths = np.array([len(key) for key in keys], np.int64)
    starts = np.cumsum(lengths) - lengths
    counts = lengths[index]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total) + np.repeat(starts[index] - (ends - counts), counts)
    head = _SHARED_DICTIONARIES + ends.astype("<u8").tobytes()
    return head + (_indexed(list(words), flat[at]) if total else b"")


def _indexed(keys: Sequence[str], index: NDArray[Any]) -> bytes:
    _, code, width = next(row for row in _INDEX if len(keys) <= row[0])
    flags = _ADDITIONAL_KEYS | _NEW_DICTIONARY | code
    return b"".join((
        flags.to_bytes(8, "little"), len(keys).to_bytes(8, "little"), strings(keys),
        len(index).to_bytes(8, "little"), index.astype(width).tobytes(),
    ))  # fmt: skip


def block(rows: int, count: int, columns: Iterable[tuple[str, str, bytes]]) -> Iterator[bytes]:
    """A block of ``count`` columns (name, type, body), piece by piece: no column outlives its own
    piece."""
    yield leb128(count) + leb128(rows)
    for name, kind, body in columns:
        words = (name.encode(), kind.encode())
        yield b"".join(leb128(len(word)) + word for word in words)
        yield body
