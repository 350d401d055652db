"""One file of a partition's log: whole batches one after the other, and a sparse index in memory.

The index has an entry for the first batch and then for one batch about every 4 KiB, so it stays
small whatever the size of the batches. It is saved beside the file with how many bytes it covers;
after a crash only what came later is read again.
"""

import json
import os
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import crc32c

from .batch import HEADER_SIZE, Header, header_at, intact
from .codes import Code, Refused

INDEX_EVERY = 4096
SCAN_CHUNK = 4 << 20


class Segment:
    """Bytes `[0, size)` of one file are whole batches; offsets `[base, next_offset)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base = int(path.name.partition(".")[0])
        self.size = 0
        self.next_offset = self.base
        self.max_timestamp = -1
        self.saved_size = 0
        self.read_lately = True
        self.born = time.time()
        self._fd: int | None = None
        self._offsets, self._positions, self._earlier = array("q"), array("q"), array("q")
        self._ends: dict[int, int] = {}

    @property
    def state_path(self) -> Path:
        return self.path.with_suffix(".state")

    @property
    def fd(self) -> int:
        self.read_lately = True
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return self._fd

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def modified(self) -> float:
        """Unix seconds of the last write."""
        try:
            return self.path.stat().st_mtime
        except FileNotFoundError:
            return self.born

    # -- writing

    def append(self, data: bytes | bytearray, header: Header) -> None:
        """Writes one batch whose base offset is set, to the operating system.

        Raises Refused(KAFKA_STORAGE_ERROR) when it cannot be written whole; nothing of it stays.
        """
        try:
            written = os.pwrite(self.fd, data, self.size)
            if written != len(data):
                # A short write is how a disk that fills up shows first; the next one says why.
                written += os.pwrite(self.fd, memoryview(data)[written:], self.size + written)
            if written != len(data):
                raise OSError(f"wrote {written} of {len(data)} bytes")
        except OSError as error:
            self.cut()
            raise Refused(Code.KAFKA_STORAGE_ERROR, f"{self.path}: {error}") from error
        self.note(header)

    def cut(self) -> None:
        """Drops whatever stands behind the last whole batch."""
        try:
            os.ftruncate(self.fd, self.size)
        except OSError:
            pass  # the next append writes over it, and recovery checks sums

    def note(self, header: Header) -> None:
        """Takes a batch that stands at `size` into the index."""
        if not self._positions or self.size - self._positions[-1] >= INDEX_EVERY:
            self._offsets.append(header.base_offset)
            self._positions.append(self.size)
            self._earlier.append(self.max_timestamp)
        self.size += header.size
        self.next_offset = header.last_offset + 1
        self.max_timestamp = max(self.max_timestamp, header.max_timestamp)

    # -- reading

    def read(self, offset: int, max_bytes: int, limit: int) -> bytes:
        """Batches from the one that holds `offset`, at least one if it begins before `limit`.

        Whole batches, up to about `max_bytes`; none that begins at or behind offset `limit`.
        """
        start = self.position(offset)
        stop = self.size if limit >= self.next_offset else self.position(limit)
        if start >= stop:
            return b""
        end = stop
        if stop - start > max_bytes:
            entry = bisect_right(self._positions, start + max_bytes) - 1
            if entry < 0 or self._positions[entry] <= start:
                entry = bisect_right(self._positions, start)
            if entry < len(self._positions):
                end = min(stop, self._positions[entry])
                self._remember(self._offsets[entry], end)
        if end == self.size:
            self._remember(self.next_offset, end)
        return os.pread(self.fd, end - start, start)

    def position(self, offset: int) -> int:
        """Where the first batch starts that holds `offset` or comes behind it."""
        known = self._ends.get(offset)
        if known is not None:
            return known
        if offset >= self.next_offset:
            return self.size
        entry = bisect_right(self._offsets, offset) - 1
        if entry < 0:
            return 0
        if self._offsets[entry] == offset:
            return self._positions[entry]
        for at, header in self.headers(self._positions[entry]):
            if header.last_offset >= offset:
                return at
        return self.size

    def _remember(self, offset: int, position: int) -> None:
        # Consumers go on where they stopped, so the end of one read is the start of the next.
        if len(self._ends) >= 64:
            self._ends.clear()
        self._ends[offset] = position

    def headers(self, at: int = 0) -> Iterator[tuple[int, Header]]:
        """Positions and headers of the batches from position `at` on."""
        size = self.size
        while at < size:
            header = header_at(os.pread(self.fd, HEADER_SIZE, at))
            yield at, header
            at += header.size

    def first_since(self, timestamp: int, offset: int) -> Iterator[tuple[Header, bytes]]:
        """Batches from `offset` on whose newest record is at or after `timestamp` (ms)."""
        entry = max(0, bisect_left(self._earlier, timestamp) - 1)
        start = max(self._positions[entry] if self._positions else 0, self.position(offset))
        for at, header in self.headers(start):
            if header.max_timestamp >= timestamp:
                yield header, os.pread(self.fd, header.size, at)

    # -- what survives a restart

    def snapshot(self, producers: dict[str, Any]) -> bytes:
        """Index, and the producers' state as of the end of this segment, ready for `store`."""
        body = b"".join(part.tobytes() for part in (self._offsets, self._positions, self._earlier))
        head = {
            "inode": os.fstat(self.fd).st_ino,
            "size": self.size,
            "next": self.next_offset,
            "max_timestamp": self.max_timestamp,
            "born": self.born,
            "producers": producers,
        }
        line = json.dumps(head).encode() + b"\n"
        self.saved_size = self.size
        checksum: int = crc32c.crc32c(line + body)
        return checksum.to_bytes(4, "big") + line + body

    def load(self) -> dict[str, Any] | None:
        """Takes index and size from the saved state; the producers' state, or None without one."""
        try:
            raw = self.state_path.read_bytes()
        except FileNotFoundError:
            return None
        line, _, body = raw[4:].partition(b"\n")
        if crc32c.crc32c(raw[4:]) != int.from_bytes(raw[:4], "big"):
            return None
        head = json.loads(line)
        found = self.path.stat()
        if head["size"] > found.st_size or head["inode"] != found.st_ino:
            return None  # not of this file: compaction has put another in its place
        third = len(body) // 3
        for n, part in enumerate((self._offsets, self._positions, self._earlier)):
            part.frombytes(body[n * third : (n + 1) * third])
        self.size = self.saved_size = head["size"]
        self.next_offset, self.max_timestamp = head["next"], head["max_timestamp"]
        self.born = head["born"]
        producers: dict[str, Any] = head["producers"]
        return producers

    def scan(self, found: Callable[[Header, bytes], None], check: bool = True) -> int:
        """Reads on from `size`, taking in whole batches with right checksums.

        Calls `found` for each with its header and, for control batches, its bytes.
        Returns how many bytes behind the last good batch were cut off.
        """
        total = os.fstat(self.fd).st_size
        window, window_at = b"", self.size
        while self.size + HEADER_SIZE <= total:
            at = self.size - window_at
            if at + HEADER_SIZE > len(window):
                window_at, at = self.size, 0
                window = os.pread(self.fd, SCAN_CHUNK, window_at)
            header = header_at(window, at)
            if header.size < HEADER_SIZE or self.size + header.size > total:
                break
            if at + header.size > len(window):
                window_at, at = self.size, 0
                window = os.pread(self.fd, max(SCAN_CHUNK, header.size), window_at)
            if header.base_offset < self.next_offset or (check and not intact(window, at, header)):
                break
            found(header, window[at : at + header.size] if header.control else b"")
            self.note(header)
        torn = total - self.size
        if torn:
            self.cut()
        return torn

    def remove(self) -> None:
        """Deletes the files. What is missing already is no error."""
        self.close()
        self.state_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def store(path: Path, snapshot: bytes) -> None:
    """Keeps a snapshot of the segment at `path`; safe beside the event loop.

    The log itself is forced to the disk first, so that what a state file covers is whole even
    after a power cut. Does nothing when the segment was deleted meanwhile. Raises OSError.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    draft = path.with_suffix(".draft")
    draft.write_bytes(snapshot)
    draft.replace(path.with_suffix(".state"))
