"""What it costs to find the open case a report belongs to, in villages with a thousand open cases.

Beside it, in the same run, comparing a report with every open case of its village by the same
rules, as one would without an index. Then a storm: thousands of reports from one building, each
matched, decided, encoded and kept before the next one comes. All by processor time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ops.bench.caseload import rules, settle
from ops.bench.result import Result, machine
from ops.simulator.texts import examples
from schemas.case import Actor, Change, Command, Report
from schemas.ids import case_number, command_id, village_of
from schemas.profile import Place, Profile
from streams.core.alarm_tables import AlarmTables
from streams.core.cases import aimed, apply
from streams.core.matter import Seen, same_matter, seen
from streams.core.rules import Rules
from streams.partition import Partition

VILLAGES, CASES, ASKED, PAIRED, STORM = 8, 1_000, 4_000, 200, 3_000
QUICK_VILLAGES, QUICK_CASES, QUICK_ASKED, QUICK_PAIRED, QUICK_STORM = 2, 1_000, 1_000, 60, 3_000
START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
DAY = 86_400
ALIKE = 8  # of a storm's reports come in a minute
CLERK = Actor(role="system", id="intake")


def run(quick: bool) -> Result:
    """Milliseconds a report, reports a second, and how many times faster than comparing all."""
    villages, count, asked, paired, storm = (
        (QUICK_VILLAGES, QUICK_CASES, QUICK_ASKED, QUICK_PAIRED, QUICK_STORM)
        if quick else (VILLAGES, CASES, ASKED, PAIRED, STORM)
    )  # fmt: skip
    made, rng = rules(), random.Random(11)
    where = _places(made.profile, villages)
    part = _partition(made)
    for places in where:
        for _ in range(count):
            _take(part, _command(made, rng, rng.choice(places), rng.randrange(DAY)), made)
    questions = [
        _command(made, rng, rng.choice(rng.choice(where)), rng.randrange(DAY // 2, DAY))
        for _ in range(asked)
    ]
    settle()
    indexed = sorted(_asked(part, questions))
    naive = _paired(part, made, questions[:paired])
    found = Result("joins", machine())
    note = f"{part.book.open} open cases in {villages} villages"
    half = found.add("gridwhistle, the half", "ms a report", [indexed[len(indexed) // 2]], note)
    slow = found.add("gridwhistle, 99 of 100", "ms a report", [indexed[len(indexed) * 99 // 100]])
    pairs = found.add("every case of the village", "ms a report", [sum(naive) / len(naive)])
    rate = found.add(
        "gridwhistle, a storm at one building", "reports/s", [_storm(made, rng, storm)]
    )
    found.ratio("join_ms_p50", half, 1)
    found.ratio("join_ms_p99", slow, 1)
    found.ratio("joins_vs_all_pairs", pairs, sum(indexed) / len(indexed))
    found.ratio("storm_reports_per_second", rate, 1)
    return found


def _partition(made: Rules) -> Partition:
    return Partition(0, None, AlarmTables(made.profile), made.places)  # type: ignore[arg-type]


def _places(profile: Profile, villages: int) -> list[list[Place]]:
    """Places of the villages that have most of them."""
    found: dict[str, list[Place]] = {}
    for place in profile.places.values():
        if len(place.grid) == 15:
            found.setdefault(place.grid[:12], []).append(place)
    return sorted(found.values(), key=len, reverse=True)[:villages]


def _command(made: Rules, rng: random.Random, place: Place, second: int) -> Command:
    code = rng.choice(sorted(_TEXTS))
    at, event = START + timedelta(seconds=second), f"{rng.getrandbits(128):032x}"
    near = rng.uniform(-3e-4, 3e-4)
    one = Report(
        event_id=event, channel=rng.choice(["hotline_12345", "grid_app", "mini_app"]),
        occurred_at=at, ingested_at=at, text=f"{place.name}{rng.choice(_TEXTS[code])}",
        class_code=code, confidence=0.95, grade=made.profile.taxonomy[code].grade,
        grid=place.grid, building=place.place_id if place.kind == "building" else "",
        lon=place.lon + near, lat=place.lat + near, reporter=f"{rng.getrandbits(64):016x}",
    )  # fmt: skip
    return Command(
        command_id=command_id(event, "report"), case_no=case_number(event, place.grid[:12], at),
        move="report", at=at, actor=CLERK, report=one,
    )  # fmt: skip


_TEXTS = {code: [row.text for row in rows] for code, rows in examples().items() if rows}


def _take(part: Partition, command: Command, made: Rules) -> None:
    """What a writer does with a report, but for Kafka."""
    assert command.report is not None
    command = aimed(command, part.index.joins(command.report, command.case_no))
    applied = apply(part.book.get(command.case_no), command, made, command.at, 0)
    assert isinstance(applied, Change), applied
    part.keep(applied)


def _asked(part: Partition, questions: list[Command]) -> Iterator[float]:
    for one in questions:
        assert one.report is not None
        started = time.process_time()
        part.index.joins(one.report, one.case_no)
        yield (time.process_time() - started) * 1000


def _paired(part: Partition, made: Rules, questions: list[Command]) -> list[float]:
    """The best of all open cases of the village. They are read before: only comparing is timed."""
    known: dict[str, list[Seen]] = {}
    for case in map(part.book.case, part.book.rows()):
        known.setdefault(case.village, []).append(seen(case, made.places))
    times: list[float] = []
    for one in questions:
        assert one.report is not None
        started = time.process_time()
        mine = seen(one.report, made.places)
        max(same_matter(mine, theirs, made.places) for theirs in known[village_of(one.case_no)])
        times.append((time.process_time() - started) * 1000)
    return times


def _storm(made: Rules, rng: random.Random, storm: int) -> float:
    """Reports a second from one building with its own matters, dozens a minute."""
    place = next(p for p in _places(made.profile, 1)[0] if p.kind == "building")
    part = _partition(made)
    commands = [_command(made, rng, place, n * 60 // ALIKE) for n in range(storm)]
    settle()
    started = time.process_time()
    for one in commands:
        _take(part, one, made)
    return storm / (time.process_time() - started)
