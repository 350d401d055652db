"""Record batches of format 2: the unit that producers send, logs hold and consumers read.

A batch is a 61-byte header and its records, possibly compressed. The checksum covers everything
from the attributes on, so the base offset can be set without touching the rest. Layout: Kafka
documentation, "Implementation - Message format".
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import crc32c

from .codes import Code, Refused
from .compression import compress, decompress

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = HEADER.size
CHECKED_FROM = 21
ABORT, COMMIT = 0, 1


class Header(NamedTuple):
    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        return self.length + 12

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_delta

    @property
    def codec(self) -> int:
        return self.attributes & 7

    @property
    def transactional(self) -> bool:
        return bool(self.attributes & 16)

    @property
    def control(self) -> bool:
        return bool(self.attributes & 32)


class Record(NamedTuple):
    """One record; `start` and `end` bound its bytes within the unpacked records of the batch."""

    delta: int
    timestamp_delta: int
    key: bytes | None
    tombstone: bool
    start: int
    end: int


def header_at(data: bytes | bytearray | memoryview, at: int = 0) -> Header:
    return Header._make(HEADER.unpack_from(data, at))


def intact(data: bytes | bytearray | memoryview, at: int, header: Header) -> bool:
    """Whether a whole batch with the right checksum stands at `at`."""
    end = at + header.size
    if header.size < HEADER_SIZE or end > len(data) or header.magic != 2:
        return False
    with memoryview(data) as view:
        return bool(crc32c.crc32c(view[at + CHECKED_FROM : end]) == header.crc)


def parse_produced(data: bytes | None) -> Header:
    """The header of the one batch a producer sent for a partition.

    Raises Refused: CORRUPT_MESSAGE, UNSUPPORTED_FOR_MESSAGE_FORMAT, INVALID_RECORD.
    """
    if not data or len(data) < HEADER_SIZE:
        raise Refused(Code.CORRUPT_MESSAGE, "shorter than the header of a record batch")
    header = header_at(data)
    if header.magic != 2:
        raise Refused(Code.UNSUPPORTED_FOR_MESSAGE_FORMAT, "only message format 2 is taken")
    if header.size != len(data):
        raise Refused(Code.INVALID_RECORD, "exactly one record batch a partition is taken")
    if not intact(data, 0, header):
        raise Refused(Code.CORRUPT_MESSAGE, "the checksum of the batch does not match")
    if header.control:
        raise Refused(Code.INVALID_RECORD, "only the broker writes control batches")
    if header.record_count < 1 or header.last_delta != header.record_count - 1:
        raise Refused(Code.INVALID_RECORD, "the batch counts its records wrongly")
    return header


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (result >> 1) ^ -(result & 1), at
        shift += 7


def _varint_bytes(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def records(unpacked: bytes, count: int) -> Iterator[Record]:
    """The records of a batch. Raises Refused(CORRUPT_MESSAGE) when they run past the end."""
    at = 0
    try:
        for _ in range(count):
            start = at
            length, at = _varint(unpacked, at)
            end = at + length
            timestamp_delta, at = _varint(unpacked, at + 1)
            delta, at = _varint(unpacked, at)
            size, at = _varint(unpacked, at)
            key = None if size < 0 else unpacked[at : at + size]
            at += max(size, 0)
            size, at = _varint(unpacked, at)
            if length < 0 or at > end or end > len(unpacked):
                raise Refused(Code.CORRUPT_MESSAGE, "a record runs past its end")
            yield Record(delta, timestamp_delta, key, size < 0, start, end)
            at = end
    except IndexError:
        raise Refused(Code.CORRUPT_MESSAGE, "records end before their count") from None


def unpack(data: bytes | memoryview, header: Header, at: int = 0) -> bytes:
    """The unpacked records of the batch at `at`."""
    return decompress(header.codec, bytes(data[at + HEADER_SIZE : at + header.size]))


def with_records(header: Header, unpacked: bytes, count: int) -> bytes:
    """The same batch (offsets, sequence, times) with other records, as compaction leaves it."""
    body = compress(header.codec, unpacked)
    fields = header._replace(length=HEADER_SIZE - 12 + len(body), record_count=count, crc=0)
    return _sealed(HEADER.pack(*fields) + body)


def end_of_transaction(producer_id: int, epoch: int, kind: int, now_ms: int) -> bytes:
    """A control batch that commits or aborts what `producer_id` wrote."""
    key, value = struct.pack(">hh", 0, kind), struct.pack(">hi", 0, 0)
    body = b"\0\0\0" + _varint_bytes(len(key)) + key + _varint_bytes(len(value)) + value + b"\0"
    body = _varint_bytes(len(body)) + body
    length = HEADER_SIZE - 12 + len(body)
    fields = (0, length, 0, 2, 0, 0x30, 0, now_ms, now_ms, producer_id, epoch, -1, 1)
    return _sealed(HEADER.pack(*fields) + body)


def control_kind(data: bytes, at: int = 0) -> int:
    """ABORT or COMMIT, from the bytes of a control batch."""
    (record,) = records(data[at + HEADER_SIZE :], 1)
    return int(struct.unpack_from(">h", record.key or b"\0\0\0\0", 2)[0])


def _sealed(data: bytes) -> bytes:
    crc = crc32c.crc32c(memoryview(data)[CHECKED_FROM:])
    return data[:17] + struct.pack(">I", crc) + data[CHECKED_FROM:]
