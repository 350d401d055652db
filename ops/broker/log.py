"""The log of one partition: segments on disk, producers' state, and who waits for more.

Everything here runs on the event loop; what takes long (fsync, compaction, deleting) is handed
out as paths and bytes to `housekeeping`, which works beside the loop and brings the result back.

An append is acknowledged once the operating system has it, as Apache Kafka does by default: a
killed broker loses nothing, a power cut may lose the last seconds.
"""

import asyncio
import json
import logging
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from .batch import COMMIT, Header, control_kind, header_at, parse_produced, records, unpack
from .codes import Code, Refused
from .producers import Producers
from .segment import Segment
from .topic_config import TopicConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Appended:
    offset: int
    repeated: bool = False


class PartitionLog:
    """Offsets `[start, end)`; `stable` is where the first open transaction begins, or `end`."""

    def __init__(self, directory: Path, config: TopicConfig) -> None:
        self.directory, self.config = directory, config
        self.producers = Producers()
        self.segments: list[Segment] = []
        self.snapshots: list[tuple[Path, bytes]] = []
        self.waiting: set[asyncio.Future[None]] = set()
        self.closed = False
        directory.mkdir(parents=True, exist_ok=True)
        self.start, self.cleaned = self._load_marks()
        self._recover()

    # -- where things are

    @property
    def active(self) -> Segment:
        return self.segments[-1]

    @property
    def end(self) -> int:
        return self.active.next_offset

    @property
    def stable(self) -> int:
        return min(self.producers.open.values(), default=self.end)

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self.segments)

    # -- writing

    def append(self, data: bytes | None) -> Appended:
        """Takes the one batch a producer sent. Raises Refused with the reason."""
        header = parse_produced(data)
        assert data is not None
        if header.size > self.config.max_message_bytes:
            raise Refused(
                Code.MESSAGE_TOO_LARGE,
                f"{header.size} bytes; max.message.bytes is {self.config.max_message_bytes}",
            )
        if self.config.compacts:
            for record in records(unpack(data, header), header.record_count):
                if record.key is None:
                    raise Refused(Code.INVALID_RECORD, "a compacted topic needs keys")
        known = self.producers.check(header)
        if known is not None:
            return Appended(known, repeated=True)
        return Appended(self._write(data, header))

    def append_control(self, data: bytes) -> int:
        """Appends the broker's own end of a transaction."""
        return self._write(data, header_at(data))

    def _write(self, data: bytes, header: Header) -> int:
        if self.active.size and self.active.size + header.size > self.config.roll_bytes:
            self.roll()
        offset = self.end
        placed = bytearray(data)
        placed[0:8] = offset.to_bytes(8, "big")
        placed[12:16] = bytes(4)
        header = header._replace(base_offset=offset)
        self.active.append(placed, header)
        kind = control_kind(data) if header.control else COMMIT
        self.producers.note(header, int(time.time() * 1000), kind)
        self.wake()
        return offset

    def roll(self) -> None:
        """Closes the active segment and begins the next."""
        sealed = self.active
        if not sealed.size:
            return
        fresh = Segment(self.directory / f"{self.end:020}.log")
        try:
            _ = fresh.fd
        except OSError as error:
            raise Refused(Code.KAFKA_STORAGE_ERROR, f"{fresh.path}: {error}") from error
        self.snapshots.append((sealed.path, sealed.snapshot(self.producers.dump())))
        self.segments.append(fresh)

    def wake(self) -> None:
        """Lets waiting fetches look again."""
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self.waiting.clear()

    # -- reading

    def read(self, offset: int, max_bytes: int, committed: bool = False) -> bytes:
        """Whole batches from the one that holds `offset`; empty at the end.

        Raises Refused(OFFSET_OUT_OF_RANGE).
        """
        if not self.start <= offset <= self.end:
            raise Refused(
                Code.OFFSET_OUT_OF_RANGE, f"{offset} lies outside {self.start}..{self.end}"
            )
        limit = self.stable if committed else self.end
        if offset >= limit:
            return b""
        for segment in self.segments[self._segment_of(offset) :]:
            found = segment.read(offset, max_bytes, limit)
            if found or segment.next_offset >= limit:
                return found
        return b""

    def aborted(self, offset: int) -> list[tuple[int, int]]:
        """(producer id, first offset) of aborted transactions a reader at `offset` may meet."""
        return [(pid, first) for pid, first, last in self.producers.aborted if last >= offset]

    def since(self, timestamp: int) -> tuple[int, int] | None:
        """(offset, timestamp) of the first record at or after `timestamp` (ms), or None."""
        for segment in self.segments:
            if segment.max_timestamp < timestamp:
                continue
            for header, data in segment.first_since(timestamp, self.start):
                for record in records(unpack(data, header), header.record_count):
                    offset = header.base_offset + record.delta
                    stamp = header.base_timestamp + record.timestamp_delta
                    if stamp >= timestamp and offset >= self.start:
                        return offset, stamp
        return None

    def _segment_of(self, offset: int) -> int:
        return max(0, bisect_right(self.segments, offset, key=lambda s: s.base) - 1)

    # -- dropping the old

    def delete_before(self, offset: int) -> list[Segment]:
        """Moves the start to `offset`; the segments that fell out whole, still to be removed."""
        if offset > self.end:
            raise Refused(Code.OFFSET_OUT_OF_RANGE, f"{offset} lies behind the end {self.end}")
        if offset > self.start:
            self.start = offset
            self.save_marks()
        return self.fallen_out()

    def fallen_out(self) -> list[Segment]:
        """Takes out the segments that lie before the start whole; their files remain."""
        gone = []
        while len(self.segments) > 1 and self.segments[1].base <= self.start:
            gone.append(self.segments.pop(0))
        return gone

    # -- what survives a restart

    def save_marks(self) -> None:
        """Keeps start and how far the log is clean. Raises Refused(KAFKA_STORAGE_ERROR)."""
        draft = self.directory / "marks.draft"
        try:
            draft.write_text(json.dumps({"start": self.start, "cleaned": self.cleaned}))
            draft.replace(self.directory / "marks.json")
        except OSError as error:
            raise Refused(Code.KAFKA_STORAGE_ERROR, f"{draft}: {error}") from error

    def _load_marks(self) -> tuple[int, int]:
        try:
            marks = json.loads((self.directory / "marks.json").read_text())
        except FileNotFoundError:
            return 0, 0
        return marks["start"], marks["cleaned"]

    def _recover(self) -> None:
        for leftover in (*self.directory.glob("*.draft"), *self.directory.glob("*.cleaned")):
            leftover.unlink()
        for path in sorted(self.directory.glob("*.log")):
            segment = Segment(path)
            if self.segments and segment.base < self.end:
                segment.remove()  # merged into the one before; the broker died before deleting it
                continue
            saved = segment.load()
            if saved is not None:
                self.producers.restore(saved)
            torn = segment.scan(self._take_in)
            if torn:
                log.warning("%s: cut %d bytes of an unfinished batch off the end", path, torn)
            if self.segments:
                self.segments[-1].close()
            self.segments.append(segment)
        if not self.segments or self.end < self.start:
            self.segments.append(Segment(self.directory / f"{self.start:020}.log"))
        self.start = max(self.start, self.segments[0].base)

    def _take_in(self, header: Header, control: bytes) -> None:
        kind = control_kind(control) if header.control else COMMIT
        self.producers.note(header, int(time.time() * 1000), kind)

    def close(self) -> None:
        """Lets go of the files and of everybody who waits."""
        self.closed = True
        self.wake()
        for segment in self.segments:
            segment.close()
