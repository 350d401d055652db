"""A chunk: a run of records of one partition, carried by one Faust event.

Stock Faust spends about 90 µs of its event loop on each record. Handing an agent a whole fetched
run costs that once for hundreds or thousands of records, and leaves the rest to the agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import FetchResult
from faust.serializers.schemas import Schema
from faust.types import TP, ConsumerMessage

RUN = 64  # records handed on together


class Chunk:
    """Records of one partition in offset order. Offsets may have holes (compaction, markers).

    ``records`` have ``offset``, ``timestamp`` (ms), ``key``, ``value`` and ``headers``.
    ``next_offset`` is what to commit once every record's effect is done.
    """

    __slots__ = ("count", "first", "last", "next_offset", "records", "size", "tp")

    def __init__(self, tp: TP, records: list[Any], next_offset: int, size: int = 0) -> None:
        self.tp, self.records, self.next_offset = tp, records, next_offset
        self.size = size  # bytes of the values
        self.count = len(records)
        self.first, self.last = int(records[0].offset), int(records[-1].offset)

    def __len__(self) -> int:
        return self.count

    def release(self) -> None:
        """The records are not needed any more; what they came to is waiting to be safe."""
        self.records = []

    def __repr__(self) -> str:
        return f"<Chunk {self.tp.topic}[{self.tp.partition}] {self.first}..{self.last}>"


class ChunkMessage(ConsumerMessage):  # type: ignore[misc]
    __slots__ = ("first_offset", "next_offset")

    def __init__(self, chunk: Chunk, now: float, generation_id: int) -> None:
        tp = chunk.tp
        super().__init__(
            tp.topic, tp.partition, chunk.last, now, 0, None, None, chunk, None, 0, 0, tp,
            generation_id=generation_id,
        )  # fmt: skip
        self.first_offset, self.next_offset = chunk.first, chunk.next_offset


class ChunkSchema(Schema):  # type: ignore[misc]
    """Hands the chunk over as it is: decoding belongs to the agent, in bulk."""

    def compile(
        self,
        app: Any,
        *,
        on_key_decode_error: Any = None,
        on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return create_event(None, message.value, None, message)

        return decode


class _Run(NamedTuple):
    """Records that lie together, in the place of one."""

    offset: int  # of the last
    records: list[Any]


class _RunsBatch:
    """A batch of aiokafka's that hands out runs of its records. All else about it is its own."""

    def __init__(self, batch: Any, batches: Any) -> None:
        self._batch, self._batches = batch, batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # asked of markers of transactions only
        return next(self._batch)

    def __iter__(self) -> Iterator[_Run]:
        records = chain(self._batch)  # which, unlike the batch, may be asked again and again
        while run := list(islice(records, RUN)):
            first = self._batches.next_fetch_offset
            if run[0].offset < first:  # a compressed batch begins before what was asked for
                run = [record for record in run if record.offset >= first]
            if run:
                yield _Run(run[-1].offset, run)


class _RunsRecords:
    """aiokafka's ``MemoryRecords`` whose batches hand out runs."""

    def __init__(self, records: Any, batches: Any) -> None:
        self._records, self._batches = records, batches
        self.has_next = records.has_next

    def next_batch(self) -> _RunsBatch:
        return _RunsBatch(self._records.next_batch(), self._batches)


def take_chunk(fetched: FetchResult, most: int, most_bytes: int = 2 << 20) -> Chunk | None:
    """About ``most`` records, or as many as reach ``most_bytes`` of values: whole runs of RUN.

    Like ``FetchResult.getall``, whose loop takes four Python calls for each record; here it goes
    over runs. Transaction, control-batch and compaction handling stay aiokafka's. Returns None
    when nothing is left to hand out.
    """
    tp = fetched._topic_partition
    if not fetched.has_more() or not fetched.check_assignment(tp):
        return None
    batches = fetched._partition_records
    if type(batches._records) is not _RunsRecords:
        batches._records = _RunsRecords(batches._records, batches)
        batches._consumer_record = _as_it_is
    records: list[Any] = []
    size, drained = 0, False
    for run in batches:
        records += run.records
        size += sum([len(record.value or b"") for record in run.records])
        if len(records) >= most or size >= most_bytes:
            break
    else:
        drained = True
    next_offset = batches.next_fetch_offset
    fetched._update_position()
    if drained:
        fetched._partition_records = batches._records = None  # a circle that holds what was fetched
    return Chunk(TP(tp.topic, tp.partition), records, next_offset, size) if records else None


def _as_it_is(_tp: Any, run: _Run) -> _Run:
    return run
