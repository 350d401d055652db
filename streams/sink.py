"""Ordered, all-or-nothing inserts into one ClickHouse table, retried until they land.

What makes a row appear once, whatever fails:
- a block holds whole chunks and is one part of the table, so it is there whole or not at all;
- blocks go in one after another, so a partition's rows are there up to some offset and not beyond;
- an insert that failed, or whose answer got lost, is sent again with the same bytes under the
  block's own deduplication token, and the table folds the second one away;
- a worker that takes a partition over first reads that offset (``fence``) and skips up to it.

Nothing is acknowledged before its block has landed. While the store is away rows wait here, up to
``most_waiting``; then ``room`` makes the reader wait, and Kafka keeps the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.clickhouse import (
    ClickHouseAddress,
    StoreRejected,
    StoreUnavailable,
    classify_error,
    connect,
    insert_columns,
)
from connectors.metrics import metric
from connectors.sqlfiles import read_sql
from schemas.settings import Settings

log = logging.getLogger(__name__)


class TableSink:
    """Collects rows of one table and inserts them in blocks.

    A block leaves when it has ``block_rows`` rows or its first row has waited ``linger`` seconds,
    and never while the one before it is under way: so blocks are small when it is quiet and large
    when it is busy, without a setting.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        address: ClickHouseAddress,
        *,
        block_rows: int = 20_000,
        linger: float = 0.3,
        most_waiting: int = 200_000,
        split: Callable[[tuple[Any, ...]], Any] | None = None,
    ) -> None:
        self.table, self.columns, self.address = table, list(columns), address
        self.block_rows, self.linger, self.most_waiting = block_rows, linger, most_waiting
        self.split = split
        self._rows: list[tuple[Any, ...]] = []
        self._landed: asyncio.Future[None] | None = None
        self._first_at = 0.0
        self._hurry = False
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"insert-{table}")
        self._client: Any = None
        self.failing_since: float | None = None

    def add(self, rows: Sequence[tuple[Any, ...]]) -> asyncio.Future[None]:
        """Rows of a whole chunk, in order. The future is done once all of them are in the table."""
        loop = asyncio.get_running_loop()
        if not rows and self._drained.is_set():
            nothing: asyncio.Future[None] = loop.create_future()
            nothing.set_result(None)
            return nothing
        if self._landed is None:
            self._landed, self._first_at = loop.create_future(), time.monotonic()
        self._rows.extend(rows)
        self._drained.clear()
        self._wake.set()
        metric("gridwhistle_rows_waiting").labels(self.table).set(len(self._rows))
        return self._landed

    async def room(self) -> None:
        """Return when rows may be added; waits while the store does not keep up."""
        while len(self._rows) >= self.most_waiting:
            self._drained.clear()
            await self._drained.wait()

    async def flush(self) -> None:
        """Insert everything in hand now and wait for it."""
        self._hurry = True
        self._wake.set()
        if self._landed is not None:
            await asyncio.shield(self._landed)
        self._hurry = False

    async def run(self) -> None:
        """Insert blocks for ever. Cancelled when the worker stops, after ``flush``."""
        in_hand: asyncio.Future[None] | None = None
        try:
            while True:
                await self._wake.wait()
                await self._gather()
                rows, in_hand = self._rows, self._landed
                self._rows, self._landed = [], None
                self._wake.clear()
                if rows:
                    await self._insert_all(rows)
                metric("gridwhistle_rows_waiting").labels(self.table).set(len(self._rows))
                if not self._rows:
                    self._drained.set()
                if in_hand is not None and not in_hand.done():
                    in_hand.set_result(None)
        finally:
            if in_hand is not None and not in_hand.done():
                in_hand.cancel()

    async def _gather(self) -> None:
        """Wait until a block is worth sending."""
        while not self._hurry and len(self._rows) < self.block_rows:
            left = self._first_at + self.linger - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, 0.05))  # looks again: a flush must not wait for linger

    async def _insert_all(self, rows: list[tuple[Any, ...]]) -> None:
        for block in self._blocks(rows):
            columns = [list(column) for column in zip(*block, strict=True)]
            await self._insert(columns, token=uuid.uuid4().hex)  # one block, one token, ever
            metric("gridwhistle_insert_rows").labels(self.table).observe(len(block))

    def _blocks(self, rows: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
        """One block for each partition of the table the rows fall into; nearly always one."""
        if self.split is None:
            return [rows]
        parts: dict[Any, list[tuple[Any, ...]]] = {}
        for row in rows:
            parts.setdefault(self.split(row), []).append(row)
        return list(parts.values())

    async def _insert(self, columns: list[list[Any]], token: str) -> None:
        loop, wait = asyncio.get_running_loop(), 0.2
        while True:
            started = time.monotonic()
            try:
                await loop.run_in_executor(self._pool, self._insert_now, columns, token)
            except (StoreUnavailable, StoreRejected) as exc:
                # A refused block is a bug or a table out of step with the code. Dropping it would
                # lose events, so it waits like an outage, and shouts.
                now = time.monotonic()
                self.failing_since = self.failing_since or now
                kind = "unavailable" if isinstance(exc, StoreUnavailable) else "rejected"
                metric("gridwhistle_insert_retries_total").labels(self.table, kind).inc()
                log.log(
                    logging.WARNING if kind == "unavailable" else logging.ERROR,
                    "%s: insert of %d rows failed (%s), nothing acknowledged, again in %.1f s: %s",
                    self.table, len(columns[0]), kind, wait, exc,
                )  # fmt: skip
                await asyncio.sleep(wait)
                wait = min(wait * 2, 15.0)
            else:
                self.failing_since = None
                metric("gridwhistle_insert_seconds").labels(self.table).observe(
                    time.monotonic() - started
                )
                return

    def _insert_now(self, columns: list[list[Any]], token: str) -> None:
        try:
            if self._client is None:
                self._client = connect(self.address)
            insert_columns(
                self._client, self.table, self.columns, columns,
                {"insert_deduplication_token": token},
            )  # fmt: skip
        except Exception as exc:
            self._client = None
            raise classify_error(exc) from exc

    async def fence(self, topic: str, partition: int) -> int:
        """Highest offset of a partition that the table holds; -1 when none. Waits for the store."""
        found = await self.asked(
            read_sql("ledger/fence.sql"),
            {"table": self.table, "topic": topic, "partition": partition},
        )
        return int(found[0][0])

    async def asked(self, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Rows of a query on the sink's own connection. Waits for as long as the store is away."""
        loop, wait = asyncio.get_running_loop(), 0.2
        while True:
            try:
                return await loop.run_in_executor(self._pool, self._ask_now, sql, parameters)
            except StoreUnavailable as exc:
                log.warning("%s: store does not answer, again in %.1f s: %s", self.table, wait, exc)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 15.0)

    def _ask_now(self, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        try:
            if self._client is None:
                self._client = connect(self.address)
            rows: Sequence[Sequence[Any]] = self._client.query(sql, parameters).result_rows
            return rows
        except Exception as exc:
            self._client = None
            raise classify_error(exc) from exc


def store_address(settings: Settings) -> ClickHouseAddress:
    return ClickHouseAddress(
        url=settings.clickhouse,
        user=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=settings.clickhouse_database,
    )
