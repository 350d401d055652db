"""What a worker must know of a case without reading it, in 96 bytes beside each change.

Every record of ``case-changes`` carries it as the Kafka header ``brief1``, so that a partition is
rebuilt without parsing a single body. A record without one (another writer, another layout) is
parsed instead: the header saves time and decides nothing.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np

from schemas.case import Case, Change
from streams.core.deadlines import wakeups
from streams.core.incidents import Key, _keys
from streams.core.moves import FINAL, OPEN

HEADER = "brief1"  # a new layout takes a new name
KEYS = 6  # of an open case, at most; see streams.core.incidents
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
_WAKE_AT, _DONE_AT, _COMMAND_AT = 8, 32, 40
_done = struct.Struct("<q").unpack_from
_command = struct.Struct("<Q").unpack_from
_put_version = struct.Struct("<I").pack_into
_put_wake = struct.Struct("<q").pack_into
_put_done_command = struct.Struct("<qQ").pack_into


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 of an aware time."""
    return (at - _EPOCH) // _MICROSECOND


def wake_of(case: Case) -> int:
    """When a timer must look at the case next, in microseconds; NEVER when no clock runs."""
    waiting = wakeups(case) if case.state in OPEN else ()
    return microseconds(waiting[0].at) if waiting else NEVER


def hashed(*parts: object) -> int:
    """64 bits of a key, the same in every process. What it finds is compared in full."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def hashed_key(key: Key) -> int:
    return hashed(*key)


def brief(change: Change) -> bytes:
    """The header of a change."""
    case = change.case
    is_open = case.state in OPEN
    keys = [hashed_key(key) for key in _keys(case)][:KEYS] if is_open else []
    over = case.state in FINAL
    closed = microseconds(case.closed_at or case.updated_at) if over else 0
    return _PACKED.pack(
        case.version, is_open, wake_of(case), closed, microseconds(case.opened_at),
        change.command_offset, hashed(change.command_id), *keys, *(0,) * (KEYS - len(keys)),
    )  # fmt: skip


def relit(before: bytes, version: int, wake: int, done: int, command_id: str) -> bytes:
    """The header after a light: only version, next wake-up and command differ."""
    after = bytearray(before)
    _put_version(after, 0, version)
    _put_wake(after, _WAKE_AT, wake)
    _put_done_command(after, _DONE_AT, done, hashed(command_id))
    return bytes(after)


def done_of(head: bytes) -> int:
    """Offset up to which commands were done when the record was written."""
    return int(_done(head, _DONE_AT)[0])


def command_of(head: bytes) -> int:
    """Hash of the command behind a record; 0 when there was none."""
    return int(_command(head, _COMMAND_AT)[0])


def gravestone(done: int) -> bytes:
    """The header of a record that ends a case: which commands were done by then."""
    return _PACKED.pack(0, 0, NEVER, 0, 0, done, 0, *(0,) * KEYS)
