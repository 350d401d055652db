"""Two workers of the cases stage: partitions move, one freezes and comes back, all are killed."""

from __future__ import annotations

import random
import signal

import pytest

from tests.caseflow.stage import Stage, action, alerts, due_in, report, sound, until

pytestmark = pytest.mark.faults

VILLAGES = [f"990101001{n:03}" for n in range(1, 25)]  # over all partitions


def test_partitions_move_between_two_workers(stage: Stage) -> None:
    rng = random.Random(11)
    first = stage.worker()
    cases = [report(f"第{n}件 {rng.random()}", due_in(25), village=v) for n, v in
             enumerate(VILLAGES * 3)]  # fmt: skip
    stage.send(cases[:24])
    second = stage.worker()
    stage.send(cases[24:48])
    stage.send([action(c.case_no, "note", reason="一") for c in cases[:48]])
    first.end(signal.SIGTERM)
    stage.send(cases[48:])
    stage.send([action(c.case_no, "note", reason="二") for c in cases])
    third = stage.worker()
    second.end(signal.SIGKILL)
    stage.send([action(c.case_no, "register") for c in cases[::2]])
    changes = stage.until_changes(
        lambda found: sum(c.move == "register" for c in found) == 36
        and sum(c.stage == "red" for c in found) >= 36,
        "all is done by whoever is left", 90,
    )  # fmt: skip
    sound(changes)
    assert sum(c.move == "report" for c in changes) == 72
    assert sum(c.reason == "一" for c in changes) == 48
    assert sum(c.reason == "二" for c in changes) == 72
    assert third.ended is None


def test_a_frozen_worker_that_comes_back_changes_nothing(stage: Stage) -> None:
    frozen = stage.worker()
    held = [report(f"冻结 {n}", due_in(30), village=v) for n, v in enumerate(VILLAGES)]
    stage.send(held)
    stage.until_changes(lambda found: len(found) == 24, "the cases")
    frozen.send(signal.SIGSTOP)
    # its lights fall due and commands come in while it stands
    stage.send([action(c.case_no, "note", reason="冻结之后") for c in held])
    other = stage.worker()
    stage.until_changes(
        lambda found: sum(c.stage == "red" for c in found) == 24
        and sum(c.reason == "冻结之后" for c in found) == 24,
        "the other worker does it all", 90,
    )  # fmt: skip
    frozen.send(signal.SIGCONT)
    stage.send([action(c.case_no, "note", reason="醒来之后") for c in held])
    changes = stage.until_changes(
        lambda found: sum(c.reason == "醒来之后" for c in found) == 24, "work goes on", 90
    )
    sound(changes)
    assert sum(c.stage == "red" for c in changes) == 24
    # what it had in hand when it froze never counted
    assert other.ended is None or frozen.ended is None


def test_everything_is_killed_again_and_again(stage: Stage) -> None:
    rng = random.Random(3)
    sent: list[str] = []
    for turn in range(4):
        worker = stage.worker()
        some = [report(f"{turn}-{n} {rng.random()}", due_in(8), village=v) for n, v in
                enumerate(VILLAGES)]  # fmt: skip
        stage.send(some)
        sent += [one.case_no for one in some]
        stage.send([action(no, "note", key=f"{turn}-{no}", reason=str(turn)) for no in sent])
        count = len(sent)
        stage.until_changes(lambda found, n=count: len(found) > n, "some of it", 60)
        worker.end(signal.SIGKILL)
        if turn % 2:
            stage.restart_broker()
    stage.worker()
    changes = stage.until_changes(
        lambda found: sum(c.stage == "red" for c in found) == len(sent)
        and sum(c.move == "note" for c in found) == 24 + 48 + 72 + 96,
        "everything in the end", 90,
    )  # fmt: skip
    sound(changes)
    assert sum(c.move == "report" for c in changes) == len(sent)
    until(
        lambda: (
            {a["change_id"] for a in alerts(stage)} >= {c.change_id for c in changes if c.tells}
        ),
        "alerts",
    )
