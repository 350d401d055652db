"""Faust's Kafka transport, with chunks and with commits that never pass a message in flight.

Everything is done by subclassing faust-streaming 0.15.3 and aiokafka 0.14.0, both pinned;
tests/transport checks each assumption made about them. Changelogs, table recovery and ordinary
topics go through stock code, except for the commit rule: stock Faust commits past a message that is
still being worked on (issue #606), so here every delivered message stands in a queue of its
partition and the commit is the end of the acknowledged head of that queue.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from typing import Any

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.chunks import Chunk, ChunkMessage, take_chunk

LOOK = 0.02  # seconds between looks whether a held partition may go on
FADING = 0.8  # how much of what a partition had still counts at the next look


class ChunkConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken: dict[Any, float] = {}  # records lately handed out of each partition

    def _turn(self, tp: Any) -> float:
        """Quiet partitions first: a flood in one must not keep a call for help waiting."""
        return self._taken.get(tp, 0.0)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self.app.fetch_wait_ms  # stock: 1500, hard-coded
        consumer._fetch_min_bytes = 1
        consumer._isolation_level = "read_committed"  # of case-changes, see streams.changelog
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: Any = None, max_records: Any = None
    ) -> dict[Any, list[Any]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            return await self._fetched(fetcher, active_partitions, timeout, max_records)

    async def _fetched(
        self, fetcher: Any, partitions: Any, timeout: float | None, most: Any
    ) -> dict[Any, list[Any]]:
        """aiokafka's ``Fetcher.fetched_records`` with one branch more, for chunk topics."""
        deadline = time.monotonic() + (timeout or 0)
        while True:
            if fetcher._subscriptions.reassignment_in_progress:
                await fetcher._subscriptions.wait_for_assignment()
            drained = self._drain(fetcher, partitions, most)
            left = deadline - time.monotonic()
            if drained or left <= 0:
                return drained
            held = bool(self.app.held)
            waiter = fetcher._create_fetch_waiter()
            done, pending = await asyncio.wait([waiter], timeout=min(left, LOOK) if held else left)
            if held and not done and not fetcher._closed:
                waiter.cancel()
                continue
            if not done or fetcher._closed:
                for future in pending:
                    future.cancel()
                return {}
            waiter.result()

    def _drain(self, fetcher: Any, partitions: Any, most: Any) -> dict[Any, list[Any]]:
        drained: dict[Any, list[Any]] = {}
        left = self.app.round_records
        self._taken = {tp: n * FADING for tp, n in self._taken.items() if n > 1}
        for tp in sorted(fetcher._records, key=self._turn):
            if left <= 0:
                break
            if partitions and tp not in partitions:
                if not fetcher._subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
                continue
            if tp in self.app.held:  # what was fetched of it stays, and no more is fetched
                continue
            fetched = fetcher._records[tp]
            if type(fetched) is not FetchResult:  # an error to be raised, after what came before
                if drained:
                    return drained
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
                fetched.check_raise()
                continue
            if tp.topic in self.app.chunk_topics:
                chunk = take_chunk(fetched, self.app.chunk_records, self.app.chunk_bytes)
                records = [chunk] if chunk is not None else []
                taken = len(chunk) if chunk is not None else 0
                self._taken[tp] = self._turn(tp) + taken
                left -= taken
            else:
                records = fetched.getall(most)
            if not fetched.has_more():
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
            if records:
                drained[tp] = records
        return drained


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    callback: Any  # set by Faust's constructor: delivers a message to the streams
    #: messages delivered and not yet committed, in delivery order
    _in_flight: dict[TP, deque[Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._in_flight = defaultdict(deque)
        super().__init__(*args, **kwargs)
        deliver = self.callback

        async def callback(message: Any) -> None:
            self._remember(message)
            await deliver(message)

        self.callback = callback

    def _remember(self, message: Any) -> None:
        if not self.app.topics.acks_enabled_for(message.topic):
            return
        queue = self._in_flight[message.tp]
        first = getattr(message, "first_offset", message.offset)
        while queue and queue[-1].offset >= first:  # read again after a seek
            queue.pop()
        queue.append(message)

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: Any, record: Any) -> Any:
        if type(record) is not Chunk:
            return super()._to_message(tp, record)
        return ChunkMessage(record, time.time(), self.app.consumer_generation_id)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: the queue of delivered messages knows what was never delivered."""

    def _new_offset(self, tp: TP) -> int | None:
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        queue, offset = self._in_flight[tp], None
        while queue and queue[0].acked:
            message = queue.popleft()
            offset = getattr(message, "next_offset", message.offset + 1)
        return offset

    def positions(self) -> dict[TP, int]:
        """Offset of the oldest message in flight, for partitions that have one."""
        return {
            tp: getattr(queue[0], "first_offset", queue[0].offset)
            for tp, queue in self._in_flight.items()
            if queue
        }

    def done(self, tp: TP) -> int | None:
        """Offset up to which a partition with nothing in flight is done; None when unknown."""
        read = self._read_offset[tp]
        committed = self._committed_offset[tp]
        after = None if read is None else read + 1
        known = [o for o in (after, committed, self._passed(tp)) if o is not None]
        return max(known, default=None)

    def _passed(self, tp: TP) -> int | None:
        """Offset up to which everything was handed out, the ends of transactions included."""
        subscription = self._thread._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return None
        if tp not in subscription.assignment.tps:
            return None
        position: int | None = subscription.assignment.state_value(tp)._position
        return position

    def read_from(self, tp: TP) -> int | None:
        """Offset from which a partition was read when it was assigned; None: nothing committed."""
        committed: int | None = self._committed_offset[tp]
        return committed

    async def _finish_work(self, seconds: float) -> None:
        """Let agents finish what they hold, for so long; the rest is read again."""
        flushed = asyncio.gather(*(hook() for hook in self.app.flush_hooks))
        try:
            await asyncio.wait_for(flushed, seconds)
        except Exception as exc:
            self.log.warning("work in hand not finished before revoke or stop: %r", exc)

    async def _commit_within(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.commit(start_new_transaction=False), seconds)
        except Exception as exc:
            self.log.warning("not committed, will be read again: %r", exc)

    async def wait_empty(self) -> None:
        """Stock Faust waits here for every message an agent has begun, for ever if need be."""
        await self._finish_work(self.app.stop_seconds)
        await self._commit_within(1.0)

    async def on_stop(self) -> None:
        await self.wait_empty()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        # Stock Faust forgets what was acknowledged since the last commit and reads it again:
        # commit it while the generation is still ours.
        if not self.should_stop:
            self.stop_flow()
            self.app.flow_control.suspend()
            await self._finish_work(self.app.flush_seconds)
            await self._commit_within(5.0)
        for tp in revoked:
            self._in_flight.pop(tp, None)
        for hook in self.app.revoked_hooks:
            hook(revoked)
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        self._in_flight.clear()
        await super().perform_seek()


class ChunkTransport(driver.Transport):  # type: ignore[misc]
    Consumer = ChunkConsumer
