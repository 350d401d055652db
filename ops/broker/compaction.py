"""Compaction: of all records with one key, only the last stays.

Works beside the event loop on closed segments, by their paths, and writes new files; `log` puts
those in place. Memory is bounded: a pass takes in at most `KEYS` different keys and stops there;
the next pass goes on behind it. Rules as in Apache Kafka: tombstones stay readable for
`delete.retention.ms`, aborted records go, offsets and sequences of what stays do not change.
"""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .batch import HEADER_SIZE, Header, header_at, records, unpack, with_records
from .segment import Segment

KEYS = 500_000
WORK_SECONDS, REST_SECONDS = 0.005, 0.002


@dataclass(frozen=True)
class Plan:
    """`segments` (path, bytes) oldest first; what lies below offset `cleaned` has no repeats.

    `tombstones_until`: tombstones older than this (ms) in the clean part may go.
    """

    segments: tuple[tuple[Path, int], ...]
    cleaned: int
    aborted: tuple[tuple[int, int, int], ...]
    tombstones_until: int
    segment_bytes: int


@dataclass(frozen=True)
class Compacted:
    """New `segments` (files end in .cleaned) for all offsets below `clean_to`."""

    segments: list[Segment]
    clean_to: int


class _Pace:
    """Rests now and then: the interpreter is shared with the event loop."""

    def __init__(self, stop: threading.Event) -> None:
        self._since, self._stop = time.monotonic(), stop

    def step(self) -> None:
        if self._stop.is_set():
            raise InterruptedError("the broker stops")
        if time.monotonic() - self._since > WORK_SECONDS:
            time.sleep(REST_SECONDS)
            self._since = time.monotonic()


def compact(plan: Plan, stop: threading.Event) -> Compacted:
    """Carries out `plan`; the drafts are removed if that fails.

    Raises Refused(KAFKA_STORAGE_ERROR) when the disk is full, InterruptedError after `stop`.
    """
    pace, made = _Pace(stop), list[Segment]()
    try:
        last, clean_to = _last_offsets(plan, pace)
        later = {path for path, _ in plan.segments if Segment(path).base >= clean_to}
        for path, size in plan.segments:
            if path in later:
                break
            # A source goes into one draft whole, and drafts are named after their first source:
            # a crash between putting two of them in place must find every source once.
            if not made or made[-1].size + size > plan.segment_bytes:
                made.append(_draft(path))
            for header, data in _batches(path, size):
                kept = _kept(plan, header, data, last)
                if kept:
                    made[-1].append(kept, header_at(kept))
                pace.step()
    except BaseException:
        for segment in made:
            segment.remove()
        raise
    return Compacted(made, clean_to)


def _last_offsets(plan: Plan, pace: _Pace) -> tuple[dict[bytes, int], int]:
    """Key digest → offset of its last record, and the offset up to which that is known."""
    last: dict[bytes, int] = {}
    reached = plan.cleaned
    for path, size in plan.segments:
        for header, data in _batches(path, size):
            reached = max(reached, header.last_offset + 1)
            if header.last_offset < plan.cleaned or header.control or _aborted(plan, header):
                continue
            for record in records(unpack(data, header), header.record_count):
                if record.key is not None:
                    last[_digest(record.key)] = header.base_offset + record.delta
            pace.step()
        if len(last) >= KEYS:
            break
    return last, reached


def _kept(plan: Plan, header: Header, data: bytes, last: dict[bytes, int]) -> bytes:
    """The batch without what is superseded; empty when nothing of it stays."""
    clean = header.last_offset < plan.cleaned
    past = clean and header.max_timestamp < plan.tombstones_until
    if header.control:
        return b"" if past else data
    if _aborted(plan, header):
        return b""
    unpacked, parts = unpack(data, header), []
    for record in records(unpacked, header.record_count):
        offset = header.base_offset + record.delta
        superseded = record.key is None or last.get(_digest(record.key), offset) > offset
        if not superseded and not (record.tombstone and past):
            parts.append(unpacked[record.start : record.end])
    if len(parts) == header.record_count:
        return data
    return with_records(header, b"".join(parts), len(parts)) if parts else b""


def _aborted(plan: Plan, header: Header) -> bool:
    return header.transactional and any(
        pid == header.producer_id and first <= header.base_offset < last
        for pid, first, last in plan.aborted
    )


def _digest(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=16).digest()


def _batches(path: Path, size: int) -> Iterator[tuple[Header, bytes]]:
    with path.open("rb") as file:
        while file.tell() + HEADER_SIZE <= size:
            head = file.read(HEADER_SIZE)
            header = header_at(head)
            yield header, head + file.read(header.size - HEADER_SIZE)


def _draft(source: Path) -> Segment:
    draft = source.with_suffix(".cleaned")
    draft.unlink(missing_ok=True)
    segment = Segment(draft)
    _ = segment.fd
    return segment
