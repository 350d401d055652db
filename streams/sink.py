"""Ordered, all-or-nothing inserts into one ClickHouse table, retried until they land.

What makes a row appear once, whatever fails:
- a block is one part of the table, so it is there whole or not at all;
- blocks go in one after another, in the order of the records;
- an insert that failed, or whose answer got lost, is sent again with the same bytes under the
  block's own deduplication token, and the table folds the second one away;
- only the claimed writer of a partition may insert into it (``streams.claims``), and a worker that
  takes one over claims it before it looks what the table holds.

Nothing is acknowledged before its block has landed. While the store is away rows wait here, up to
``most_waiting``; then ``room`` makes the reader wait, and Kafka keeps the rest.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Sequence, Sized
from typing import Any

from connectors.clickhouse import ClickHouseAddress, insert_columns
from connectors.metrics import metric
from schemas.settings import Settings
from streams.claimed_insert import insert_as_writer
from streams.line import StoreLine, StoreRejected, StoreUnavailable

log = logging.getLogger(__name__)

Row = tuple[Any, ...]


class TableSink:
    """Collects rows of one table and inserts them in blocks.

    A block leaves when it has ``block_rows`` rows or its first row has waited ``linger`` seconds,
    and never while the one before it is under way: so blocks are small when it is quiet and large
    when it is busy, without a setting. ``writer`` gives the name under which partitions are
    claimed; without one anybody may insert. ``on_failure`` hears when that name counts no more.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        address: ClickHouseAddress,
        *,
        block_rows: int = 20_000,
        linger: float = 0.3,
        most_waiting: int = 50_000,
        split: Callable[[Row], Any] | None = None,
        writer: Callable[[], str] | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.table, self.columns = table, list(columns)
        self.block_rows, self.linger, self.most_waiting = block_rows, linger, most_waiting
        self.split, self.writer, self.on_failure = split, writer, on_failure
        self.failing_since: float | None = None
        self._line = StoreLine(address, table)
        self._batches: list[Any] = []  # one a chunk
        self._waiting = 0  # rows in them
        self._landed: asyncio.Future[None] | None = None  # of the rows waiting
        self._in_hand: asyncio.Future[None] | None = None  # of the block under way
        self._inserting: asyncio.Task[None] | None = None
        self._first_at = 0.0
        self._hurry = False
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def add(self, rows: Sized) -> asyncio.Future[None]:
        """Rows of a whole chunk, in order. The future is done once all of them are in the table;
        it is cancelled when the sink is told to ``abandon`` them."""
        loop = asyncio.get_running_loop()
        if not len(rows):
            nothing: asyncio.Future[None] = loop.create_future()
            nothing.set_result(None)
            return nothing
        if self._landed is None:
            self._landed, self._first_at = loop.create_future(), time.monotonic()
        self._batches.append(rows)
        self._waiting += len(rows)
        self._drained.clear()
        self._wake.set()
        metric("gridwhistle_rows_waiting").labels(self.table).set(self._waiting)
        return self._landed

    def fullness(self) -> float:
        """Rows waiting, as a share of ``most_waiting``."""
        return self._waiting / self.most_waiting

    async def room(self) -> None:
        """Return when rows may be added; waits while the store does not keep up."""
        while self._waiting >= self.most_waiting:
            self._drained.clear()
            await self._drained.wait()

    async def flush(self) -> None:
        """Insert everything in hand now and wait for it. Returns at once while the store is away:
        nothing is acknowledged, so nothing is lost."""
        self._hurry = True
        self._wake.set()
        try:
            for landed in (self._in_hand, self._landed):
                while landed is not None and not landed.done() and self.failing_since is None:
                    await asyncio.wait({landed}, timeout=0.1)
        finally:
            self._hurry = False

    def abandon(self) -> None:
        """Forget all rows that have not landed: whoever owns their partitions reads them again."""
        landed, self._landed = self._landed, None
        self._batches, self._waiting = [], 0
        if landed is not None:
            landed.cancel()
        if self._inserting is not None:
            self._inserting.cancel()  # the running attempt ends on its thread; no other follows
        self.failing_since = None
        self._drained.set()

    async def run(self) -> None:
        """Insert blocks for ever. Cancelled when the worker stops, after ``flush``."""
        try:
            while True:
                await self._wake.wait()
                await self._gather()
                batches, self._in_hand = self._batches, self._landed
                self._landed = None
                self._batches, self._waiting = [], 0
                self._wake.clear()
                self._drained.set()
                if batches:
                    self._inserting = asyncio.ensure_future(self._insert_all(batches))
                    await asyncio.wait({self._inserting})
                    self._settle(self._inserting)
                metric("gridwhistle_rows_waiting").labels(self.table).set(self._waiting)
        finally:
            if self._inserting is not None:
                self._inserting.cancel()
            if self._in_hand is not None:
                self._in_hand.cancel()

    def _settle(self, inserted: asyncio.Task[None]) -> None:
        landed, self._in_hand = self._in_hand, None
        problem = None if inserted.cancelled() else inserted.exception()
        if landed is not None and not landed.done():
            if inserted.cancelled() or problem is not None:
                landed.cancel()
            else:
                landed.set_result(None)
        if problem is not None:
            if self.on_failure is None:
                raise problem
            self.on_failure(problem)

    async def _gather(self) -> None:
        """Wait until a block is worth sending."""
        while not self._hurry and self._waiting < self.block_rows:
            left = self._first_at + self.linger - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, 0.05))  # looks again: a flush must not wait for linger

    async def _insert_all(self, batches: list[Any]) -> None:
        writer = self.writer() if self.writer is not None else None
        for block in self._blocks(batches):
            await self._insert(block, uuid.uuid4().hex, writer)  # one block, one token, ever
            metric("gridwhistle_insert_rows").labels(self.table).observe(self._size(block))

    def _size(self, block: Sequence[Any]) -> int:
        return len(block)

    def _blocks(self, batches: list[Any]) -> list[Any]:
        """Runs of rows that fall into one partition of the table; nearly always one. Runs, not
        groups: what a table holds must be all there is up to some record, after any crash."""
        rows = list(itertools.chain.from_iterable(batches))
        if self.split is None:
            return [rows]
        return [list(run) for _, run in itertools.groupby(rows, self.split)]

    async def _insert(self, block: Any, token: str, writer: str | None) -> None:
        wait = 0.2
        while True:
            started = time.monotonic()
            try:
                await self._line.work(lambda client: self._insert_now(client, block, token, writer))
            except (StoreUnavailable, StoreRejected) as exc:
                # A refused block is a bug or a table out of step with the code. Dropping it would
                # lose events, so it waits like an outage, and shouts.
                self.failing_since = self.failing_since or time.monotonic()
                kind = "unavailable" if isinstance(exc, StoreUnavailable) else "rejected"
                metric("gridwhistle_insert_retries_total").labels(self.table, kind).inc()
                log.log(
                    logging.WARNING if kind == "unavailable" else logging.ERROR,
                    "%s: insert of %d rows failed (%s), nothing acknowledged, again in %.1f s: %s",
                    self.table, self._size(block), kind, wait, exc,
                )  # fmt: skip
                await asyncio.sleep(wait)
                wait = min(wait * 2, 15.0)
            else:
                self.failing_since = None
                metric("gridwhistle_insert_seconds").labels(self.table).observe(
                    time.monotonic() - started
                )
                return

    def _insert_now(self, client: Any, block: Any, token: str, writer: str | None) -> None:
        self._send(client, block, {"insert_deduplication_token": token}, writer)

    def _send(self, client: Any, block: Any, settings: dict[str, Any], writer: str | None) -> None:
        columns = [list(column) for column in zip(*block, strict=True)]
        if writer is None:
            insert_columns(client, self.table, self.columns, columns, settings)
        else:
            insert_as_writer(client, self.table, self.columns, columns, writer, settings)


def store_address(settings: Settings) -> ClickHouseAddress:
    return ClickHouseAddress(
        url=settings.clickhouse,
        user=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=settings.clickhouse_database,
    )
