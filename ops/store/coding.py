"""Content-Encoding both ways, in pieces of bounded size."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

import lz4.frame
import zstandard

from ops.store.failure import failure

STEP = 1 << 20  # bytes unpacked at a time: a bomb is noticed long before it is unpacked


class Packer(Protocol):
    """Packs one answer as one stream."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _Lz4:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begin: bytes = self._frame.begin()

    def compress(self, data: bytes) -> bytes:
        begin, self._begin = self._begin, b""
        packed: bytes = begin + self._frame.compress(data)
        return packed

    def flush(self) -> bytes:
        end: bytes = self._begin + self._frame.flush()
        return end


PACKERS: dict[str, Callable[[], Packer]] = {
    "lz4":     _Lz4,
    "zstd":    lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip":    lambda: zlib.compressobj(1, zlib.DEFLATED, 31),
    "deflate": lambda: zlib.compressobj(1),
}  # fmt: skip


def choose_packer(accepted: str) -> tuple[str, Packer]:
    """The first encoding of an Accept-Encoding header that we speak; ("", as is) for none."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in PACKERS and not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight):
            return name.strip(), PACKERS[name.strip()]()
    return "", _Plain()


def _inflate(source: IO[bytes], limit: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while not unpacker.eof:
        packed = unpacker.unconsumed_tail or source.read(65_536)
        piece = unpacker.decompress(packed, limit)
        if not packed and not piece:
            raise EOFError("the deflate stream ends early")
        yield piece


def _pieces(reader: Any, limit: int) -> Iterator[bytes]:
    while piece := reader.read(limit):
        yield piece


UNPACKERS: dict[str, Callable[[IO[bytes], int], Iterator[bytes]]] = {
    "":         _pieces,
    "identity": _pieces,
    "gzip":     lambda source, n: _pieces(gzip.GzipFile(fileobj=source, mode="rb"), n),
    "deflate":  _inflate,
    "lz4":      lambda source, n: _pieces(lz4.frame.LZ4FrameFile(source), n),
    "zstd":     lambda source, n: _pieces(
        zstandard.ZstdDecompressor().stream_reader(
            source, read_across_frames=True, closefd=False
        ), n),
}  # fmt: skip


def unpack(source: IO[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The plain bytes of `source` in pieces of at most STEP.

    Raises StoreFailure: 432 an encoding we do not speak, 307 more than `limit` bytes, 354 bytes
    that are not what the header says.
    """
    if encoding not in UNPACKERS:
        raise failure(432, f"Unknown Content-Encoding; known: {', '.join(PACKERS)}")
    total = 0
    try:
        for piece in UNPACKERS[encoding](source, STEP):
            total += len(piece)
            if total > limit:
                raise failure(307, f"Request body is larger than {limit} bytes when decompressed")
            yield piece
    except (EOFError, RuntimeError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise failure(354, f"Cannot decompress the {encoding} request body: {error}") from error
