"""Keeps logs within bounds, beside the event loop: snapshots, retention, compaction.

The decisions and the changes to a log happen on the event loop; reading, writing and deleting
files for them happens in one worker thread, on paths.
"""

import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from .catalog import Catalog
from .codes import Refused
from .compaction import compact
from .log import PartitionLog
from .segment import Segment, store
from .upkeep import adopt, expired, plan

log = logging.getLogger(__name__)
T = TypeVar("T")
UNSAVED = 16 << 20  # bytes of a log that a start after a crash may have to read again


class Housekeeping:
    """One round over all logs every `every` seconds."""

    def __init__(self, catalog: Catalog, every: float = 5.0) -> None:
        self.catalog, self.every = catalog, every
        self.removed_bytes = self.compactions = 0
        self._worker = ThreadPoolExecutor(1, "broker-housekeeping")
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            for each in self.catalog.logs():
                try:
                    await self.tend(each)
                except (OSError, Refused) as error:
                    log.error("%s: %s", each.directory, error)
                except Exception:
                    log.exception("%s: housekeeping failed", each.directory)

    async def tend(self, each: PartitionLog) -> None:
        """One round for one log."""
        await self.remove(expired(each, time.time()))
        if each.closed:
            return
        if each.active.size - each.active.saved_size > UNSAVED:
            each.snapshots.append((each.active.path, each.active.snapshot(each.producers.dump())))
        while each.snapshots:
            path, snapshot = each.snapshots.pop(0)
            await self._aside(lambda path=path, raw=snapshot: store(path, raw))  # type: ignore[misc]
        planned = plan(each, time.time())
        if planned is not None:
            done = await self._aside(lambda: compact(planned, self._stop))
            await self.remove(adopt(each, planned, done))
            self.compactions += 1
        each.producers.forget(int(time.time() * 1000), each.start)
        for segment in each.segments[:-1]:
            if not segment.read_lately:
                segment.close()
            segment.read_lately = False

    async def remove(self, segments: list[Segment]) -> None:
        """Deletes files that no log knows any more."""
        for segment in segments:
            segment.close()
            self.removed_bytes += segment.size
            await self._aside(segment.remove)

    async def remove_tree(self, directory: Path) -> None:
        await self._aside(lambda: shutil.rmtree(directory, ignore_errors=True))

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def stop(self, seconds: float = 1.0) -> None:
        """Ends the rounds and saves what a quick start needs, as far as `seconds` go."""
        if self._task is not None:
            self._task.cancel()
        self._stop.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + seconds
        for each in self.catalog.logs():
            if time.monotonic() > until:
                break
            if each.active.size != each.active.saved_size:
                store(each.active.path, each.active.snapshot(each.producers.dump()))
