"""Sending in step with the clock: on time, again after an outage, packed without changing place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from aiokafka.partitioner import DefaultPartitioner

from connectors.kafka import KafkaUnavailable, Record
from ops.simulator.__main__ import arguments
from ops.simulator.pacing import SLICE_SECONDS, Pace, packed, send_paced
from ops.simulator.telemetry import Sent


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class FakeKafka:
    """Takes records; away between two moments."""

    def __init__(self, clock: Clock, away: tuple[float, float] = (0, 0)) -> None:
        self.clock, self.away = clock, away
        self.taken: list[tuple[float, Record]] = []

    async def send_many(self, records: Sequence[Record], timeout: float = 5.0) -> None:
        if self.away[0] <= self.clock.now < self.away[1]:
            self.clock.now += timeout
            raise KafkaUnavailable("gone")
        self.taken += [(self.clock.now, record) for record in records]


def one_a_slice() -> Iterator[list[Sent]]:
    number = 0
    while True:
        yield [Sent(number, "raw.gate", b"d%d" % (number % 7), b'{"id":%d}' % number)]
        number += 1


def run(clock: Clock, kafka: FakeKafka, seconds: float) -> tuple[str, Pace, list[str]]:
    pace, said = Pace(), list[str]()
    ended = asyncio.run(
        send_paced(
            one_a_slice(), clock.now, kafka, pace, until=clock.now + seconds,
            say=said.append, clock=clock, sleep=clock.sleep,
        )
    )  # fmt: skip
    return ended, pace, said


def test_a_slice_is_sent_when_its_time_is_over() -> None:
    clock = Clock()
    kafka = FakeKafka(clock)
    ended, pace, said = run(clock, kafka, 5)
    assert ended == "done"
    assert not said
    assert pace.sent == 50
    assert pace.by_topic == {"raw.gate": 50}
    for number, (at, _) in enumerate(kafka.taken):
        assert at == pytest.approx(1000 + (number + 1) * SLICE_SECONDS, abs=1e-6)


def test_after_an_outage_everything_arrives_in_order_without_a_flood() -> None:
    clock = Clock()
    kafka = FakeKafka(clock, away=(1001, 1020))
    ended, pace, said = run(clock, kafka, 60)
    assert ended == "done"
    assert [json.loads(r.value)["id"] for _, r in kafka.taken] == list(range(600))
    assert "暂时连不上" in said[0]
    assert "已恢复" in said[-1]
    moments = [at for at, _ in kafka.taken if at > 1020]
    assert min(b - a for a, b in pairwise(moments)) >= SLICE_SECONDS / 2 - 1e-6
    assert pace.behind == 0
    assert not pace.away


def test_too_far_behind_starts_anew() -> None:
    clock = Clock()
    ended, pace, _ = run(clock, FakeKafka(clock, away=(1001, 3000)), 4000)
    assert ended == "skip"
    assert pace.behind > 900


def test_packing_keeps_order_partition_and_every_event() -> None:
    partition = DefaultPartitioner()
    partitions = list(range(4))
    slice_ = [
        Sent(n, topic, b"device-%d" % (n % 31), b'{"id":%d}' % n)
        for n, topic in enumerate(["raw.gate", "raw.video"] * 500)
    ]
    records = packed(slice_, 50)
    assert max(len(json.loads(r.value)) for r in records) == 50
    found: dict[tuple[str, int], list[int]] = {}
    for record in records:
        place = record.topic, partition(record.key, partitions, partitions)
        found.setdefault(place, []).extend(body["id"] for body in json.loads(record.value))
    wanted: dict[tuple[str, int], list[int]] = {}
    for number, sent in enumerate(slice_):
        place = sent.topic, partition(sent.key, partitions, partitions)
        wanted.setdefault(place, []).append(number)
    assert found == wanted


def test_unpacked_records_are_as_they_are() -> None:
    sent = Sent(1, "raw.gate", b"k", b"{}")
    assert packed([sent], 1) == [Record("raw.gate", b"k", b"{}")]


@pytest.mark.parametrize("wrong", [["--rate", "0"], ["--rate", "nan"], ["--burst", "war"]])
def test_the_command_line_refuses_nonsense(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments(wrong)
    assert refused.value.code == 2
    assert f"argument {wrong[0]}" in capsys.readouterr().err
