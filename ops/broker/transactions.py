"""Producer ids and transactions, durable.

A transactional id belongs to one producer at a time: whoever asks for its producer id gets a
higher epoch, and everybody with a lower one is refused from then on (fencing). An ended
transaction is noted before its markers are written, so a crash in between is finished at the
next start.
"""

import asyncio
import logging
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .batch import ABORT, COMMIT, end_of_transaction
from .catalog import Catalog
from .codes import Code, Refused
from .journal import Journal
from .offsets import Committed, Offsets

log = logging.getLogger(__name__)
IDS_AT_ONCE = 1000
MOST_TIMEOUT_MS = 15 * 60 * 1000
IDLE, ONGOING, COMMITTING, ABORTING = "idle", "ongoing", "committing", "aborting"


@dataclass
class Transaction:
    producer_id: int
    epoch: int
    timeout_ms: int
    state: str = IDLE
    started_ms: int = 0
    partitions: list[tuple[str, int]] = field(default_factory=list)
    offsets: list[tuple[str, str, int, int, str]] = field(default_factory=list)


class Transactions:
    """All transactional ids. Methods raise Refused with the code to answer."""

    def __init__(self, path: Path, catalog: Catalog, offsets: Offsets) -> None:
        self.catalog, self.offsets = catalog, offsets
        self._journal = Journal(path)
        self._next = self._limit = 1
        self._known: dict[str, Transaction] = {}
        for (kind, *name), row in self._journal.rows.items():
            if kind == "ids":
                self._next = self._limit = row
            else:
                row["partitions"] = [(t, p) for t, p in row["partitions"]]
                self._known[str(name[0])] = Transaction(**row)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Finishes what a crash interrupted; from then on times out what hangs."""
        for name, found in self._known.items():
            if found.state in (COMMITTING, ABORTING):
                self._finish(name, found)
        self._task = asyncio.create_task(self._watch())

    def producer(self, name: str | None, timeout_ms: int) -> tuple[int, int]:
        """A producer id and epoch; with a transactional id its former holder is fenced off."""
        if not name:
            return self._fresh_id(), 0
        if not 0 < timeout_ms <= MOST_TIMEOUT_MS:
            raise Refused(Code.INVALID_TRANSACTION_TIMEOUT)
        found = self._known.get(name)
        if found is None:
            found = Transaction(self._fresh_id(), -1, timeout_ms)
        if found.epoch >= 32_000:
            self._abort(name, found)
            found = Transaction(self._fresh_id(), -1, timeout_ms)
        found.epoch += 1
        found.timeout_ms = timeout_ms
        self._abort(name, found)
        self._known[name] = found
        self._keep(name, found)
        return found.producer_id, found.epoch

    def add_partitions(
        self, name: str, producer_id: int, epoch: int, partitions: list[tuple[str, int]]
    ) -> None:
        found = self._owned(name, producer_id, epoch)
        for topic, partition in partitions:
            self.catalog.log(topic, partition)
        self._begin(found)
        found.partitions += [each for each in partitions if each not in found.partitions]
        self._keep(name, found)

    def add_group(self, name: str, producer_id: int, epoch: int) -> None:
        found = self._owned(name, producer_id, epoch)
        self._begin(found)
        self._keep(name, found)

    def add_offsets(
        self,
        name: str,
        producer_id: int,
        epoch: int,
        offsets: list[tuple[str, str, int, int, str]],
    ) -> None:
        """Offsets (group, topic, partition, offset, metadata) to commit with the transaction."""
        found = self._owned(name, producer_id, epoch)
        if found.state != ONGOING:
            raise Refused(Code.INVALID_TXN_STATE)
        found.offsets += offsets
        self._keep(name, found)

    def check_write(
        self, name: str | None, producer_id: int, epoch: int, at: tuple[str, int]
    ) -> None:
        """Whether a transactional batch may go to a partition."""
        found = self._owned(name or "", producer_id, epoch)
        if found.state != ONGOING or at not in found.partitions:
            raise Refused(Code.INVALID_TXN_STATE, f"{at} is not part of the transaction")

    def end(self, name: str, producer_id: int, epoch: int, commit: bool) -> None:
        found = self._owned(name, producer_id, epoch)
        if found.state != ONGOING:
            return  # nothing was written, or a repeated request
        found.state = COMMITTING if commit else ABORTING
        self._keep(name, found)
        self._finish(name, found)

    def _owned(self, name: str, producer_id: int, epoch: int) -> Transaction:
        found = self._known.get(name)
        if found is None or found.producer_id != producer_id:
            raise Refused(Code.INVALID_PRODUCER_ID_MAPPING)
        if found.epoch != epoch:
            raise Refused(Code.INVALID_PRODUCER_EPOCH, f"{name!r} was taken over")
        if found.state in (COMMITTING, ABORTING):
            raise Refused(Code.CONCURRENT_TRANSACTIONS)
        return found

    def _begin(self, found: Transaction) -> None:
        if found.state == IDLE:
            found.state, found.started_ms = ONGOING, int(time.time() * 1000)

    def _abort(self, name: str, found: Transaction) -> None:
        if found.state == ONGOING:
            found.state = ABORTING
            self._keep(name, found)
        if found.state != IDLE:
            self._finish(name, found)

    def _finish(self, name: str, found: Transaction) -> None:
        """Writes the markers and the offsets. Left for the watch when the disk is full."""
        kind = COMMIT if found.state == COMMITTING else ABORT
        now_ms = int(time.time() * 1000)
        while found.partitions:
            topic, partition = found.partitions[0]
            try:
                log_ = self.catalog.log(topic, partition)
            except Refused:
                pass  # the topic was deleted meanwhile
            else:
                log_.append_control(
                    end_of_transaction(found.producer_id, found.epoch, kind, now_ms)
                )
            found.partitions.pop(0)
        if kind == COMMIT:
            for group in {row[0] for row in found.offsets}:
                self.offsets.commit(
                    group,
                    [(t, p, Committed(o, m)) for g, t, p, o, m in found.offsets if g == group],
                )
        found.offsets, found.state = [], IDLE
        self._keep(name, found)

    async def _watch(self) -> None:
        """Aborts transactions older than their timeout, and retries what could not be ended."""
        while True:
            await asyncio.sleep(1)
            now_ms = int(time.time() * 1000)
            for name, found in list(self._known.items()):
                try:
                    if found.state == ONGOING and now_ms - found.started_ms > found.timeout_ms:
                        log.warning("transaction %r timed out and is aborted", name)
                        found.epoch += 1
                        self._abort(name, found)
                    elif found.state in (COMMITTING, ABORTING):
                        self._finish(name, found)
                except Refused as error:
                    log.error("transaction %r: %s", name, error)

    def _keep(self, name: str, found: Transaction) -> None:
        row: dict[str, Any] = asdict(found)
        self._journal.put([(("transaction", name), row)])

    def _fresh_id(self) -> int:
        if self._next >= self._limit:
            self._journal.put([(("ids",), self._next + IDS_AT_ONCE)])
            self._limit = self._next + IDS_AT_ONCE
        self._next += 1
        return self._next - 1

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._journal.close()
