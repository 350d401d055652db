"""Alarms on a real broker: what waits, storms and patterns outlive a killed writer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from schemas.alarm import AlarmRecord, Verdict
from schemas.case import Command, Report
from schemas.ids import case_number, command_id
from tests.caseflow.stage import SYSTEM, VILLAGE, Stage, quick_profile, sound, until

pytestmark = pytest.mark.faults

HELD = 6  # seconds a fault waits for its all-clear
SMOKE = [f"FA-{VILLAGE}-{n:04}" for n in (2, 3, 5, 6, 8, 9)]
#: their buildings: two detectors each
BUILDING = dict(zip(SMOKE, ("P02209", "P02209", "P02210", "P02210", "P02211", "P02211"),
                    strict=True))  # fmt: skip
CODES = {"fire.alarm": ("020104", 1), "fire.fault": ("020206", 2), "fire.normal": ("", 4)}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = quick_profile(tmp_path_factory.mktemp("impatient"))
    file = made / "alarm_rules.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    at = rows[0].index("hold_seconds")
    for row in rows[1:]:
        row[at] = str(HELD) if row[at] != "0" else "0"
    file.write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    return made


@pytest.fixture
def stage(tmp_path: Path, impatient: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, impatient)
    yield made
    made.stop()


def says(device: str, code: str) -> Command:
    class_code, grade = CODES[code]
    event, now = str(uuid4()), datetime.now(UTC)
    move: Any = "report" if class_code else "clear"
    return Command(
        command_id=command_id(event, move), case_no=case_number(event, VILLAGE, now), move=move,
        at=now, actor=SYSTEM, report=Report(
            event_id=event, channel="fire_iot", occurred_at=now, ingested_at=now, title=code,
            text=device, device_id=device, event_code=code, class_code=class_code, grade=grade,
            confidence=1.0, emergency=code == "fire.alarm", grid=f"{VILLAGE}006",
            building=BUILDING[device], unit="wuye-990101001", route="r",
        ),
    )  # fmt: skip


def verdicts(stage: Stage) -> list[Verdict]:
    records = [r.value for r in stage.records("alarm-states") if r.value]
    return [v for body in records for v in AlarmRecord.model_validate_json(body).verdicts]


def said(stage: Stage, outcome: str) -> list[Verdict]:
    return [one for one in verdicts(stage) if one.outcome == outcome]


def test_what_waits_outlives_a_kill_and_an_all_clear_comes_first(stage: Stage) -> None:
    worker = stage.worker()
    brief, lasting = says(SMOKE[0], "fire.fault"), says(SMOKE[2], "fire.fault")
    stage.send([brief, lasting])
    until(lambda: len(said(stage, "held")) == 2, "both wait")
    worker.end(signal.SIGKILL)
    # the one recovers and the wait of both is over while no writer runs
    stage.send([says(SMOKE[0], "fire.normal")])
    until(lambda: (datetime.now(UTC) - lasting.at).total_seconds() > HELD, "the wait is over")
    stage.worker()
    stage.send([brief, lasting])  # and intake sends them once more
    changes = stage.until_changes(lambda c: any(x.move == "report" for x in c), "a case")
    until(lambda: said(stage, "blip"), "the other one is over")
    stage.send([says(SMOKE[2], "fire.normal")])
    changes = stage.until_changes(lambda c: any(x.move == "clear" for x in c), "it is well")
    sound(changes)
    assert [c.move for c in changes] == ["report", "clear"]
    assert changes[0].case.device_id == SMOKE[2]
    assert changes[1].case.state == "done"
    assert [v.event_id for v in said(stage, "released")] == [lasting.report and
                                                             lasting.report.event_id]  # fmt: skip


def test_emergencies_never_wait_and_a_pattern_remembers_across_a_kill(stage: Stage) -> None:
    worker = stage.worker()
    first = says(SMOKE[0], "fire.alarm")
    stage.send([first])
    stage.until_changes(lambda c: len(c) == 1, "the first detector", HELD)
    worker.end(signal.SIGKILL)
    stage.worker()
    second = says(SMOKE[1], "fire.alarm")
    stage.send([first, second, second])
    changes = stage.until_changes(lambda c: any(x.move == "mark" for x in c), "confirmed")
    sound(changes)
    assert [c.move for c in changes] == ["report", "attach", "mark"]
    assert changes[-1].case.marks == ("confirmed",)
    assert "同一防火分区两只探测器报警" in changes[-1].reason


def test_faults_of_three_buildings_are_a_case_each_after_a_kill(stage: Stage) -> None:
    """Two of a building are no storm."""
    worker = stage.worker()
    stage.send([says(device, "fire.fault") for device in SMOKE])
    until(lambda: len(said(stage, "held")) == 6, "all wait")
    worker.end(signal.SIGKILL)
    stage.worker()
    changes = stage.until_changes(lambda c: sum(x.move == "report" for x in c) == 6, "six cases")
    sound(changes)
    assert said(stage, "bundled") == []
