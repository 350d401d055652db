"""The sink: order, whole chunks, retries with one token, and waiting instead of dropping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.clickhouse import ClickHouseAddress, StoreRejected, StoreUnavailable
from streams import line as line_module
from streams import sink as sink_module
from streams.line import Superseded
from streams.sink import TableSink

NOWHERE = ClickHouseAddress(url="http://127.0.0.1:1", user="u", password="p")


class Store:
    """A table that fails as told and folds repeated tokens, as ClickHouse does."""

    def __init__(self, failures: list[Exception | str] = ()) -> None:  # type: ignore[assignment]
        self.failures = list(failures)
        self.blocks: dict[str, list[list[Any]]] = {}
        self.calls = 0

    def insert(self, _client: Any, block: list[Any], token: str, _writer: str | None) -> None:
        self.calls += 1
        columns = [list(column) for column in zip(*block, strict=True)]
        fail = self.failures.pop(0) if self.failures else None
        if fail == "answer lost":
            self.blocks.setdefault(token, columns)
            raise StoreUnavailable("timed out")
        if isinstance(fail, Exception):
            raise fail
        self.blocks.setdefault(token, columns)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return [row for block in self.blocks.values() for row in zip(*block, strict=True)]


def run(
    story: Callable[[TableSink], Awaitable[None]],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    **options: Any,
) -> None:
    async def main() -> None:
        table = TableSink("t", ("n",), NOWHERE, linger=0.01, **options)
        monkeypatch.setattr(table, "_insert_now", store.insert)
        monkeypatch.setattr(line_module, "connect", lambda _address: object())
        task = asyncio.ensure_future(table.run())
        try:
            await asyncio.wait_for(story(table), 20)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    real = asyncio.sleep
    monkeypatch.setattr(sink_module.asyncio, "sleep", lambda s: real(min(s, 0.01)))
    asyncio.run(main())


def test_rows_are_acknowledged_after_they_landed_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()

    async def story(table: TableSink) -> None:
        for start in range(0, 100, 10):
            landed = table.add([(n,) for n in range(start, start + 10)])
            assert not landed.done()
            await landed
            assert store.rows[-1] == (start + 9,)

    run(story, store, monkeypatch)
    assert store.rows == [(n,) for n in range(100)]


def test_busy_chunks_share_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()

    async def story(table: TableSink) -> None:
        await asyncio.gather(*(table.add([(n,)]) for n in range(500)))

    run(story, store, monkeypatch)
    assert store.rows == [(n,) for n in range(500)]
    assert store.calls == 1


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailable("away"), "answer lost", StoreRejected("no such column")],
    ids=["away", "answer lost", "rejected"],
)
def test_a_failed_insert_is_repeated_until_it_lands_and_counts_once(
    failure: Exception | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store([failure, failure, failure])

    async def story(table: TableSink) -> None:
        landed = table.add([(1,), (2,)])
        later = table.add([(3,)])
        await landed
        await later
        assert table.failing_since is None

    run(story, store, monkeypatch)
    assert store.calls >= 4
    assert store.rows == [(1,), (2,), (3,)]


def test_the_reader_waits_while_the_store_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store([StoreUnavailable("away")] * 5)

    async def story(table: TableSink) -> None:
        table.add([(0,)])
        await asyncio.sleep(0.05)
        table.add([(n,) for n in range(1, 12)])
        room = asyncio.ensure_future(table.room())
        await asyncio.sleep(0)
        assert not room.done()
        await room
        await table.flush()

    run(story, store, monkeypatch, most_waiting=10)
    assert store.rows == [(n,) for n in range(12)]


def test_flush_with_nothing_in_hand_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()

    async def story(table: TableSink) -> None:
        await table.flush()
        assert table.add([]).done()
        landed = table.add([(1,)])
        await table.flush()
        assert landed.done()

    run(story, store, monkeypatch)
    assert store.rows == [(1,)]


def test_a_block_never_spans_two_partitions_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are runs in the order of the records: after a crash between two of them the table
    holds all records up to some one."""
    store = Store()

    async def story(table: TableSink) -> None:
        await table.add([(n,) for n in (1, 3, 2, 5, 4, 6)])

    run(story, store, monkeypatch, split=lambda row: row[0] % 2)
    assert store.calls == 4
    assert store.rows == [(1,), (3,), (2,), (5,), (4,), (6,)]


def test_abandoned_rows_are_not_inserted_and_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store([StoreUnavailable("away")] * 1000)

    async def story(table: TableSink) -> None:
        in_hand = table.add([(1,)])
        while table.failing_since is None:
            await asyncio.sleep(0.01)
        waiting = table.add([(2,)])
        table.abandon()
        await asyncio.wait({in_hand, waiting}, timeout=5)
        assert in_hand.cancelled()
        assert waiting.cancelled()
        store.failures.clear()
        await table.add([(3,)])

    run(story, store, monkeypatch)
    assert store.rows == [(3,)]


def test_a_flush_does_not_wait_for_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store([StoreUnavailable("away")] * 1000)

    async def story(table: TableSink) -> None:
        landed = table.add([(1,)])
        while table.failing_since is None:
            await asyncio.sleep(0.01)
        await table.flush()
        assert not landed.done()

    run(story, store, monkeypatch)
    assert store.rows == []


def test_a_superseded_writer_says_so_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store([Superseded("superseded")])
    heard: list[BaseException] = []

    async def story(table: TableSink) -> None:
        landed = table.add([(1,)])
        await asyncio.wait({landed}, timeout=5)
        assert landed.cancelled()

    run(story, store, monkeypatch, on_failure=heard.append)
    assert [type(e) for e in heard] == [Superseded]
    assert store.rows == []
