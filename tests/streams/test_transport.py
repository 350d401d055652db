"""What our transport assumes about the pinned libraries, and the commit rule it lives for."""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict, deque
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from faust.transport import consumer as stock
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.chunks import RUN, Chunk, ChunkMessage, take_chunk
from streams.transport import ChunkConsumer, ChunkConsumerThread

HERE = TopicPartition("raw.fire", 0)


def in_loop(test: Callable[[Any], None]) -> Callable[[Any], None]:
    """aiokafka's subscription makes futures, which want a running loop."""

    @wraps(test)
    def wrapped(self: Any) -> None:
        async def main() -> None:
            test(self)

        asyncio.run(main())

    return wrapped


def batch(first: int, count: int, producer: int = -1) -> bytes:
    """``producer``: of a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, producer >= 0, producer, 0, 0, 1 << 20)
    for i in range(count):
        builder.append(i, timestamp=1000 + i, key=b"k", value=b"%d" % (first + i), headers=[])
    raw = builder.build()
    raw[0:8] = first.to_bytes(8, "big")
    return bytes(raw)


def fetched(data: bytes, at: int, aborted: list[tuple[int, int]] | None = None) -> FetchResult:
    state = SubscriptionState()
    state.assign_from_user([HERE])
    assignment = state.subscription.assignment
    assignment.state_value(HERE).reset_to(at)
    records = PartitionRecords(
        HERE, MemoryRecords(data), aborted or [], at, None, None, True, READ_COMMITTED
    )
    return FetchResult(HERE, assignment=assignment, partition_records=records, backoff=0.1)


class TestPins:
    def test_versions_are_the_ones_we_looked_into(self) -> None:
        assert version("faust-streaming") == "0.15.3"
        assert version("aiokafka") == "0.14.0"

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (driver.AIOKafkaConsumerThread, "_fetch_records"),
            (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
            (driver.Consumer, "_new_consumer_thread"),
            (stock.Consumer, "_new_offset"),
            (stock.Consumer, "_add_gap"),
            (stock.Consumer, "wait_empty"),
            (stock.Consumer, "perform_seek"),
            (stock.Consumer, "on_partitions_revoked"),
            (FetchResult, "check_assignment"),
            (FetchResult, "has_more"),
            (FetchResult, "_update_position"),
        ],
    )
    def test_what_we_override_or_call_is_there(self, owner: type, name: str) -> None:
        assert callable(getattr(owner, name))

    def test_delivery_goes_through_the_callback_we_wrap(self) -> None:
        assert "callback = self.callback" in inspect.getsource(stock.Consumer._drain_messages)

    def test_commits_ask_the_rule_we_replace(self) -> None:
        source = inspect.getsource(stock.Consumer._filter_committable_offsets)
        assert "self._new_offset(tp)" in source


class TestTakeChunk:
    @in_loop
    def test_a_whole_run_comes_in_order(self) -> None:
        chunk = take_chunk(fetched(batch(0, 5) + batch(5, 3), 0), 100)
        assert chunk is not None
        assert [r.offset for r in chunk.records] == list(range(8))
        assert [r.value for r in chunk.records] == [b"%d" % i for i in range(8)]
        assert (chunk.first, chunk.last, chunk.next_offset) == (0, 7, 8)

    @in_loop
    def test_it_stops_at_the_limit_and_goes_on_from_there(self) -> None:
        result = fetched(batch(0, RUN + 5) + batch(RUN + 5, 2), 0)
        first, second = take_chunk(result, 3), take_chunk(result, RUN)
        assert first is not None
        assert second is not None
        assert [r.offset for r in first.records] == list(range(RUN))
        assert first.next_offset == RUN
        assert [r.offset for r in second.records] == list(range(RUN, RUN + 7))
        assert second.next_offset == RUN + 7
        assert take_chunk(result, 3) is None

    @in_loop
    def test_what_a_transaction_gave_up_is_left_out(self) -> None:
        """Batches 0–4 and 8–9 are of a producer whose transaction was aborted, 5–7 are not."""
        data = batch(0, 5, producer=9) + batch(5, 3, producer=8) + batch(8, 2, producer=9)
        chunk = take_chunk(fetched(data, 2, aborted=[(9, 0)]), 100)
        assert chunk is not None
        assert [r.offset for r in chunk.records] == [5, 6, 7]
        assert chunk.next_offset == 10

    @in_loop
    def test_bytes_are_a_limit_too(self) -> None:
        result = fetched(batch(0, RUN * 3), 0)
        chunk = take_chunk(result, 10_000, RUN + 1)  # values are one to three bytes
        assert chunk is not None
        assert len(chunk) == RUN
        assert chunk.size == sum(len(str(n)) for n in range(RUN))

    @in_loop
    def test_it_starts_at_the_position_inside_a_batch(self) -> None:
        chunk = take_chunk(fetched(batch(0, 10), 4), 100)
        assert chunk is not None
        assert [r.offset for r in chunk.records] == list(range(4, 10))


class TestHeldPartitions:
    @in_loop
    def test_a_held_partition_keeps_what_was_fetched_and_others_go_on(self) -> None:
        busy, calm = TopicPartition("raw.fire", 0), TopicPartition("raw.fire", 1)
        app = SimpleNamespace(
            held=frozenset({TP("raw.fire", 0)}), chunk_topics={"raw.fire"}, round_records=100,
            chunk_records=100, chunk_bytes=1 << 20,
        )  # fmt: skip
        thread = SimpleNamespace(app=app, _taken={}, _turn=lambda _tp: 0.0)
        fetcher = SimpleNamespace(
            _records={tp: fetched(batch(0, 5), 0) for tp in (busy, calm)},
            _notify=lambda _future: None, _wait_consume_future=None,
        )  # fmt: skip
        first = ChunkConsumerThread._drain(thread, fetcher, None, None)
        assert list(first) == [calm]
        assert busy in fetcher._records
        app.held = frozenset()
        second = ChunkConsumerThread._drain(thread, fetcher, None, None)
        assert [len(chunk) for (chunk,) in second.values()] == [5]
        assert list(second) == [busy]


def consumer(stock_rule: bool = False) -> SimpleNamespace:
    """The few attributes the commit rule works on."""
    return SimpleNamespace(
        _in_flight=defaultdict(deque), _acked=defaultdict(list), _acked_index=defaultdict(set),
        _gap=defaultdict(lambda: None), _committed_offset=defaultdict(lambda: None),
        app=SimpleNamespace(topics=SimpleNamespace(acks_enabled_for=lambda topic: True)),
    )  # fmt: skip


def message(offset: int) -> SimpleNamespace:
    return SimpleNamespace(tp=TP("t", 0), topic="t", offset=offset, acked=False)


class TestCommitRule:
    def test_stock_faust_commits_past_a_message_in_flight(self) -> None:
        """Issue #606, still there in the pinned version; the day it is fixed we may drop ours."""
        here, tp = consumer(), TP("t", 0)
        here._committed_offset[tp] = 34
        here._acked[tp] = [35]  # 34 is still being worked on
        assert stock.Consumer._new_offset(here, tp) == 36

    def test_ours_does_not(self) -> None:
        here, tp = consumer(), TP("t", 0)
        messages = [message(34), message(35)]
        for m in messages:
            ChunkConsumer._remember(here, m)
        messages[1].acked = True
        assert ChunkConsumer._new_offset(here, tp) is None
        messages[0].acked = True
        assert ChunkConsumer._new_offset(here, tp) == 36

    @given(
        count=st.integers(1, 30),
        order=st.randoms(use_true_random=False),
        cuts=st.lists(st.integers(0, 29), max_size=5),
    )
    def test_a_commit_never_passes_what_is_not_acknowledged(
        self, count: int, order: object, cuts: list[int]
    ) -> None:
        here, tp = consumer(), TP("t", 0)
        messages = [message(i * 3) for i in range(count)]  # offsets with holes
        for m in messages:
            ChunkConsumer._remember(here, m)
        acked = list(messages)
        order.shuffle(acked)  # type: ignore[attr-defined]
        committed = 0
        for i, m in enumerate(acked):
            m.acked = True
            if i in cuts or i == count - 1:
                offset = ChunkConsumer._new_offset(here, tp)
                committed = committed if offset is None else offset
                open_ = [x.offset for x in messages if not x.acked]
                assert committed <= min(open_, default=committed)
        assert committed == messages[-1].offset + 1

    def test_a_record_read_again_after_a_seek_counts_once(self) -> None:
        here, tp = consumer(), TP("t", 0)
        for m in (message(1), message(2)):
            ChunkConsumer._remember(here, m)
        again = [message(1), message(2)]
        for m in again:
            ChunkConsumer._remember(here, m)
            m.acked = True
        assert ChunkConsumer._new_offset(here, tp) == 3

    def test_a_chunk_commits_behind_its_last_record(self) -> None:
        here, tp = consumer(), TP("t", 0)
        records = [SimpleNamespace(offset=10), SimpleNamespace(offset=14)]
        m = ChunkMessage(Chunk(tp, records, 17), 0.0, 1)
        ChunkConsumer._remember(here, m)
        assert ChunkConsumer._new_offset(here, tp) is None
        m.acked = True
        assert ChunkConsumer._new_offset(here, tp) == 17
