"""The cases stage through a real broker: killed at any moment, each change and each light once."""

from __future__ import annotations

import signal

import pytest

from tests.caseflow.stage import Stage, action, due_in, outcomes, report, sound, until

pytestmark = pytest.mark.faults


def test_lights_come_once_through_kills_and_a_closed_case_stays_dark(stage: Stage) -> None:
    worker = stage.worker()
    early, shut = report("井盖翘起来了", due_in(4)), report("垃圾桶满了", due_in(9))
    stage.send([early, shut])
    stage.until_changes(lambda c: len(c) >= 2, "two cases")
    worker.end(signal.SIGKILL)
    # closed while no worker runs: the desk answers and closes it before its minute is over
    stage.send([
        action(shut.case_no, "register"), action(shut.case_no, "answer", reason="已答复"),
        action(shut.case_no, "close"),
    ])  # fmt: skip
    until(lambda: due_in(0) >= shut.at, "its minute is over")
    worker = stage.worker()
    changes = stage.until_changes(
        lambda c: any(x.stage == "red" for x in c) and any(x.move == "close" for x in c), "red"
    )
    worker.end(signal.SIGKILL)
    stage.worker()
    stage.send([action(early.case_no, "note", reason="已电话核实")])
    changes = stage.until_changes(lambda c: any(x.move == "note" for x in c), "the note")
    sound(changes)
    lights = [(c.case.case_no, c.stage) for c in changes if c.stage]
    assert [no for no, _ in lights if no == shut.case_no] == []
    assert lights.count((early.case_no, "red")) == 1


def test_a_command_sent_again_is_answered_with_the_state(stage: Stage) -> None:
    worker = stage.worker()
    one = report()
    note = action(one.case_no, "register", key="the same key")
    stage.send([one, note, note])
    until(lambda: len(outcomes(stage)) >= 2, "two answers")
    worker.end(signal.SIGKILL)
    before = len(outcomes(stage))
    stage.worker()
    stage.send([note, one])
    until(lambda: len(outcomes(stage)) > before, "an answer after the restart")
    for answer in outcomes(stage):
        assert answer["command_id"] == note.command_id
        assert answer["case"]["version"] == 2
        assert answer["case"]["state"] == "registered"
    sound(stage.changes())
    assert [c.move for c in stage.changes()] == ["report", "register"]


def test_two_events_a_millisecond_apart_make_one_case(stage: Stage) -> None:
    stage.worker()
    twins = [report("幸福里三号楼门口路灯不亮,已经两天了", class_code="020201") for _ in range(2)]
    stage.send(twins)
    changes = stage.until_changes(lambda c: len(c) >= 2, "two changes")
    assert [c.move for c in changes] == ["report", "attach"]
    assert {c.case.case_no for c in changes} == {twins[0].case_no}
    assert changes[-1].case.events == 2
