"""What a worker must know of a case without reading it, in 104 bytes beside each change.

Every record of ``case-changes`` carries it as the Kafka header ``brief3``, so that a partition is
rebuilt without parsing a single body. A record without one (another writer, another layout) is
parsed instead: the header saves time and decides nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np

from schemas.case import Case, Change
from streams.core.deadlines import wakeups
from streams.core.incident_index import KEYS, Key, keys_of
from streams.core.moves import FINAL, OPEN

HEADER = "brief3"  # a new layout takes a new name
NEVER = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# version, open, earliest wake-up, closed at, opened at (microseconds), done commands, command, keys
_PACKED = struct.Struct(f"<IIqqqqQ{KEYS}Q")
ROW = np.dtype([
    ("version", "<u4"), ("open", "<u4"), ("wake", "<i8"), ("closed", "<i8"), ("opened", "<i8"),
    ("done", "<i8"), ("command", "<u8"), ("keys", "<u8", (KEYS,)),
])  # fmt: skip
SIZE = _PACKED.size
version_of = struct.Struct("<I").unpack_from
_DONE_AT = 32
_done = struct.Struct("<q").unpack_from
#: as ``_PACKED``, with what a light leaves alone as it was: open; closed, opened
_relit = struct.Struct("<I4sq16sqQ").pack


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 of an aware time."""
    return (at - _EPOCH) // _MICROSECOND


def wake_of(case: Case) -> int:
    """When a timer must look at the case next, in microseconds; NEVER when no clock runs."""
    waiting = wakeups(case) if case.state in OPEN else ()
    return microseconds(waiting[0].at) if waiting else NEVER


def hashed(text: str) -> int:
    """64 bits of a text, the same in every process. What it finds is compared in full."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def hashed_key(key: Key) -> int:
    return hashed("\x1f".join(map(str, key)))


def brief(change: Change) -> bytes:
    """The header of a change."""
    case = change.case
    is_open = case.state in OPEN
    keys = [hashed_key(key) for key in keys_of(case)]
    over = case.state in FINAL
    closed = microseconds(case.closed_at or case.updated_at) if over else 0
    return _PACKED.pack(
        case.version, is_open, wake_of(case), closed, microseconds(case.opened_at),
        change.command_offset, hashed(change.command_id), *keys, *(0,) * (KEYS - len(keys)),
    )  # fmt: skip


def relit(before: bytes, version: int, wake: int, done: int, command_id: str) -> bytes:
    """The header after a light: only version, next wake-up and command differ."""
    after = _relit(version, before[4:8], wake, before[16:32], done, hashed(command_id))
    return after + before[48:]


def done_of(head: bytes) -> int:
    """Offset up to which commands were done when the record was written."""
    return int(_done(head, _DONE_AT)[0])


def commands_of(heads: Iterable[bytes]) -> list[int]:
    """Hashes of the commands behind records, one each; 0 where there was none."""
    found: list[int] = np.frombuffer(b"".join(heads), ROW)["command"].tolist()
    return found


def gravestone(done: int) -> bytes:
    """The header of a record that ends a case: which commands were done by then."""
    return _PACKED.pack(0, 0, NEVER, 0, 0, done, 0, *(0,) * KEYS)
