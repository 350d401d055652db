"""Request bodies: in memory while small, in a file of the data directory when large."""

from __future__ import annotations

import errno
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from ops.store.coding import STEP, unpack
from ops.store.failure import StoreFailure, failure

IN_MEMORY = 8 << 20  # bytes


class Body:
    """A request's plain bytes. Use as a context manager: leaving it removes the file."""

    def __init__(self, spool: IO[bytes], size: int) -> None:
        self._spool = spool
        self.size = size

    @classmethod
    def empty(cls) -> Body:
        return cls(io.BytesIO(), 0)

    def after(self, first: bytes, spill: Path) -> Body:
        """A body of `first` followed by this one."""
        joined = _spool(spill)
        joined.write(first)
        for piece in self.pieces(0):
            _write(joined, piece)
        return Body(joined, len(first) + self.size)

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def head(self, count: int) -> bytes:
        self._spool.seek(0)
        return self._spool.read(count)

    def pieces(self, start: int) -> Iterator[bytes]:
        """Everything from `start`, a few megabytes at a time."""
        self._spool.seek(start)
        while piece := self._spool.read(4 * STEP):
            yield piece

    def rest(self, start: int) -> bytes:
        self._spool.seek(start)
        return self._spool.read()

    def copy_to(self, file: Path, start: int) -> None:
        """The bytes from `start` as a file of their own."""
        self._spool.seek(start)
        with file.open("wb") as target:
            shutil.copyfileobj(self._spool, target, STEP)


def _spool(spill: Path) -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(spill))


def _write(spool: IO[bytes], data: bytes) -> None:
    try:
        spool.write(data)
    except OSError as error:
        raise no_room(error) from error


def no_room(error: OSError) -> StoreFailure:
    """243 for a full disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return failure(243, "Not enough space on disk to take the request body in")
    return failure(1002, f"Cannot take the request body in: {error.strerror}")


async def receive(stream: AsyncIterator[bytes], spill: Path, limit: int) -> Body:
    """Take the body as sent. Raises StoreFailure 307 above `limit` bytes, 243 on a full disk."""
    spool, size = _spool(spill), 0
    try:
        async for data in stream:
            size += len(data)
            if size > limit:
                raise failure(307, f"Request body is larger than {limit} bytes")
            _write(spool, data)
    except BaseException:
        spool.close()
        raise
    return Body(spool, size)


def decompress(packed: Body, encoding: str, spill: Path, limit: int) -> Body:
    """The body without its Content-Encoding, whole, so that nothing of a broken or oversized
    body ever reaches a table. Closes `packed`; returns it as it is when it is plain already."""
    if encoding in ("", "identity"):
        return packed
    spool, size = _spool(spill), 0
    with packed:
        packed.head(0)
        try:
            for piece in unpack(packed._spool, encoding, limit):
                _write(spool, piece)
                size += len(piece)
        except BaseException:
            spool.close()
            raise
    return Body(spool, size)
