"""What devices send whether or not anything happens: pass counts, readings, motion.

Records are cut from templates made once, so one process makes well over 50,000 a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import orjson

from ops.simulator.fleet import Fleet
from ops.simulator.incident import SOURCE
from ops.simulator.rhythm import DAY, level
from schemas.raw import TOPIC_OF

SHANGHAI_OFFSET = 8 * 3600
NOISE = 1024  # figures prepared a row; a power of two
RESENT_EVERY = 1999  # about one reading in so many is sent twice


class Sent(NamedTuple):
    """A record as it goes to Kafka. ``at_ms``: epoch milliseconds, UTC."""

    at_ms: int
    topic: str
    key: bytes
    value: bytes


class Row(NamedTuple):
    """``low``–``high`` are typical figures; passes are scaled by the hour instead."""

    channel: str
    devices: tuple[str, ...]
    period: int  # seconds, natural
    body: dict[str, Any]
    field: str = ""  # that carries the figure; "" = none
    low: float = 0.0
    high: float = 0.0
    digits: int = 2


def _reading(event: str, unit: str) -> dict[str, Any]:
    return {"event": event, "unit": unit}


def _analog(type_: int) -> dict[str, Any]:
    return {"part": "analog", "analog_type": type_}


# fmt: off
ROWS: tuple[Row, ...] = (
    Row("access_gate", ("door",), 300, {"event": "PassCount", "window_seconds": 300}, "count"),
    Row("video_ai", ("camera",),       1800, {"method": 5, "type": 2, "priority": 4}),  # motion
    Row("env_iot",  ("water_level",),   900, _reading("level_threshold", "m"), "value", 0, 0.06),
    Row("env_iot",  ("rain_gauge",),    600, _reading("accumulated", "mm"), "value", 0, 0.4, 1),
    Row("env_iot",  ("gas",),           600, _reading("gas", "%LEL"), "value", 0, 3, 1),
    Row("fire_iot", ("electrical",),   1800, _analog(3), "value", 22, 46, 1),  # °C
    Row("fire_iot", ("gas_detector",), 1800, _analog(6), "value", 0, 4, 1),  # %LEL
    Row("fire_iot", ("fire_host",),   14400, {"part": "operation", "status": 1 << 5}),  # on duty
    Row("env_iot",  ("patrol_point",), 28800, {"event": "visited"}),
)
# fmt: on
PASSES_ROW = 0


class Template(NamedTuple):
    number: int
    row: int
    topic: str
    key: bytes
    head: bytes
    tail: bytes  # after the id, up to the figure
    passes: float  # mean passes in five minutes; doors only
    phase: float


class Telemetry:
    """Readings of one city under one run name. Same arguments, same bytes."""

    def __init__(self, fleet: Fleet, seed: int, run: str) -> None:
        rng = Random(f"{seed}|telemetry")
        self._templates: list[Template] = []
        for number, row in enumerate(ROWS):
            for device in fleet.of(row.channel, row.devices):
                self._templates.append(
                    _template(rng, len(self._templates), number, row, device.device_id, run)
                )
        self._figures = [_figures(rng, row) for row in ROWS]
        self._factors = [rng.lognormvariate(0, 0.25) for _ in range(NOISE)]
        self._groups: dict[int, tuple[list[float], list[Template]]] = {}
        for number in range(len(ROWS)):
            mine = sorted((t for t in self._templates if t.row == number), key=lambda t: t.phase)
            if mine:
                self._groups[number] = ([t.phase for t in mine], mine)
        # The mix at a forced rate is near the natural one.
        self._ring = [t for t in self._templates for _ in range(max(1, 3600 // ROWS[t.row].period))]
        rng.shuffle(self._ring)
        self._turn = 0
        self._last: Sent | None = None

    def due(
        self, start: float, end: float, begin: float, speed: float
    ) -> Iterator[tuple[float, Sent]]:
        """Natural readings in [start, end) of simulated epoch seconds, with their simulated time;
        some come once more, 20 s later (their time is then past ``end``)."""
        for number, (phases, templates) in self._groups.items():
            period = ROWS[number].period
            turn = int(start // period)
            while turn * period < end:
                base = turn * period
                low, high = bisect_left(phases, start - base), bisect_left(phases, end - base)
                for template in templates[low:high]:
                    second = base + template.phase
                    at_ms = int((begin + (second - begin) / speed) * 1000)
                    sent = self._cut(
                        template, b"%x-%d" % (template.number, turn), turn, second, at_ms
                    )
                    yield second, sent
                    if (template.number * 31 + turn) % RESENT_EVERY == 0:
                        yield second + 20, sent._replace(at_ms=int(at_ms + 20_000 / speed))
                turn += 1

    def burst(
        self, count: int, start: float, end: float, begin: float, speed: float
    ) -> Iterator[Sent]:
        """``count`` readings evenly over [start, end), devices taking turns."""
        if not self._ring or count <= 0:
            return
        ring, size, step = self._ring, len(self._ring), (end - start) / count
        levels = level("commute", (start + SHANGHAI_OFFSET) % DAY)
        for number in range(count):
            turn = self._turn = self._turn + 1
            second = start + step * number
            at_ms = int((begin + (second - begin) / speed) * 1000)
            if turn % RESENT_EVERY == 0 and self._last is not None:
                yield self._last._replace(at_ms=at_ms)
                continue
            template = ring[turn % size]
            self._last = self._cut(template, b"r%x" % turn, turn, second, at_ms, levels)
            yield self._last

    def _cut(
        self, template: Template, name: bytes, turn: int, second: float, at_ms: int,
        levels: float | None = None,
    ) -> Sent:  # fmt: skip
        at = (template.number * 7919 + turn * 104_729) & (NOISE - 1)
        if template.row == PASSES_ROW:
            if levels is None:
                local = (second + SHANGHAI_OFFSET) % (7 * DAY)
                levels = level(_door_shape(second), local % DAY)
            figure = b"%d" % int(template.passes * levels * self._factors[at] + 0.5)
        else:
            figure = self._figures[template.row][at]
        return Sent(
            at_ms, template.topic, template.key,
            b'%b%b%b%b,"occurred_at":%d}' % (template.head, name, template.tail, figure, at_ms),
        )  # fmt: skip


def _door_shape(second: float) -> str:
    """People leave and come home at the rush on working days only. Day 0 of the epoch: Thursday."""
    weekday = (int((second + SHANGHAI_OFFSET) // DAY) + 3) % 7
    return "weekend" if weekday >= 5 else "commute"


def _template(rng: Random, index: int, number: int, row: Row, device_id: str, run: str) -> Template:
    body = {"source": SOURCE, "simulated": True, "channel": row.channel,
            "device_id": device_id, **row.body}  # fmt: skip
    tail = b'",' + orjson.dumps(body)[1:-1]
    if row.field:
        tail += b',"' + row.field.encode() + b'":'
    return Template(
        index, number, TOPIC_OF[row.channel], device_id.encode(), b'{"id":"' + run.encode() + b"-",
        tail, rng.lognormvariate(1.6, 0.7), rng.random() * row.period,
    )  # fmt: skip


def _figures(rng: Random, row: Row) -> list[bytes]:
    if not row.field:
        return [b""] * NOISE
    return [f"{rng.uniform(row.low, row.high):.{row.digits}f}".encode() for _ in range(NOISE)]
