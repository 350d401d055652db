"""Sends a stream of slices in step with the clock: never early, late only while Kafka is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.partitioner import murmur2

from connectors.kafka import KafkaUnavailable, Record, Sink
from ops.simulator.telemetry import Sent
from schemas.topics import BY_NAME

SLICE_SECONDS = 0.1
CATCH_UP = 2.0  # times the ordinary pace while behind: a broker that is back is not flooded
SKIP_AFTER = 900.0  # behind by more (the machine slept): start again from now
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
SEND_TIMEOUT = 5.0


@dataclass
class Pace:
    """What a status line and the metrics show."""

    sent: int = 0
    behind: float = 0.0  # seconds
    away: bool = False  # Kafka does not answer
    by_topic: dict[str, int] = field(default_factory=dict)


async def send_paced(
    slices: Iterator[list[Sent]], begin: float, sink: Sink, pace: Pace, *,
    until: float | None = None, pack: int = 1,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Any] = asyncio.sleep,
) -> str:  # fmt: skip
    """Send slice n once its time (epoch seconds, from ``begin``) is over; returns why it ended:
    "done" at ``until``, "skip" when it is too far behind to catch up.

    A slice goes again until Kafka has acknowledged all of it; the same ids twice do no harm.
    """
    number, earliest = 0, begin
    while until is None or begin + number * SLICE_SECONDS < until:
        slice_ = next(slices)
        number += 1
        due = begin + number * SLICE_SECONDS
        if (early := max(due, earliest) - clock()) > 0:
            await sleep(early)
        pace.behind = max(0.0, clock() - due - SLICE_SECONDS)
        if pace.behind > SKIP_AFTER:
            return "skip"
        if slice_:
            await _deliver(packed(slice_, pack), sink, pace, say, sleep)
            pace.sent += len(slice_)
            for sent in slice_:
                pace.by_topic[sent.topic] = pace.by_topic.get(sent.topic, 0) + 1
        earliest = clock() + SLICE_SECONDS / CATCH_UP
    return "done"


async def _deliver(
    records: Sequence[Record], sink: Sink, pace: Pace, say: Callable[[str], None],
    sleep: Callable[[float], Any],
) -> None:  # fmt: skip
    wait = FIRST_WAIT
    while True:
        try:
            await sink.send_many(records, SEND_TIMEOUT)
        except KafkaUnavailable as problem:
            pace.away = True
            say(f"Kafka 暂时连不上,{wait:g} 秒后重发,不丢弃:{problem}")
            await sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        else:
            if pace.away:
                pace.away = False
                say(f"Kafka 已恢复,按 {CATCH_UP:g} 倍速补发")
            return


def packed(slice_: Sequence[Sent], pack: int) -> list[Record]:
    """Records of a slice. ``pack`` > 1 puts up to so many events of one partition into one record
    (a JSON array), in order; the partition stays the one each event's own key has."""
    if pack <= 1:
        return [Record(sent.topic, sent.key, sent.value) for sent in slice_]
    groups: dict[tuple[str, int], list[Sent]] = {}
    out: list[Record] = []
    for sent in slice_:
        place = (sent.topic, _partition(sent.topic, sent.key))
        group = groups.setdefault(place, [])
        group.append(sent)
        if len(group) == pack:
            out.append(_array(groups.pop(place)))
    out.extend(_array(group) for group in groups.values())
    return out


def _array(group: list[Sent]) -> Record:
    first = group[0]
    return Record(first.topic, first.key, b"[" + b",".join(sent.value for sent in group) + b"]")


_known: dict[tuple[str, bytes], int] = {}


def _partition(topic: str, key: bytes) -> int:
    """Where Kafka's default partitioner puts the key."""
    found = _known.get((topic, key))
    if found is None:
        if len(_known) > 100_000:
            _known.clear()
        found = (murmur2(key) & 0x7FFFFFFF) % BY_NAME[topic].partitions
        _known[topic, key] = found
    return found
