"""Alarms in time: what a device says, and what the duty desk and the units hear of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.case import Command
from schemas.ids import SHANGHAI
from schemas.window import Window, window_number
from tests.alarms.town import GRID, Town, window
from tests.cases.small_city import FIRE_UNIT, OPERATOR, START, VILLAGE

EVENING = datetime(2026, 3, 9, 19, 30, tzinfo=SHANGHAI)


def test_an_emergency_goes_out_at_once() -> None:
    town = Town()
    assert town.signal("S1", "fire.alarm") == ["opened"]
    (case,) = town.open_cases
    assert town.changes[0].tells == ("emergency",)
    assert case.opened_at == START
    assert town.verdicts[0].case_no == case.case_no


def test_a_fault_that_clears_in_time_opens_nothing() -> None:
    town = Town()
    assert town.signal("S1", "fire.fault") == ["held"]
    town.after(seconds=90)
    assert town.signal("S1", "fire.normal") == ["blip", "blip"]
    assert [v.outcome for v in town.of_event("e1")] == ["held", "blip"]
    assert town.after(hours=3) == []
    assert town.cases == {}
    assert "90 秒后自行恢复" in town.verdicts[-1].reason


def test_a_fault_that_stays_opens_its_case_once() -> None:
    town = Town()
    town.signal("S1", "fire.fault", event="first")
    town.after(seconds=30)
    assert town.signal("S1", "fire.fault") == ["folded"]
    assert town.after(seconds=90) == ["released"]
    (case,) = town.open_cases
    assert case.event_ids == ("first",)
    assert case.opened_at == START  # its clocks run from the alarm, not from the end of the wait
    assert town.signal("S1", "fire.fault") == ["joined"]
    assert town.signal("S1", "fire.normal") == ["cleared"]
    assert town.cases[case.case_no].state == "done"


def test_a_flood_reaches_its_case_ten_times_and_then_now_and_then() -> None:
    town = Town()
    said = [town.signal("L1", "lift.trapped")[0] for _ in range(30)]
    assert said == ["opened"] + ["joined"] * 9 + ["folded"] * 20
    town.after(minutes=11)
    assert town.signal("L1", "lift.trapped") == ["joined"]
    assert town.signal("L1", "lift.trapped") == ["folded"]
    (case,) = town.open_cases
    assert case.events == 11
    assert town.alarm("L1", "lift.trapped").raises == 32


def test_signing_the_case_acknowledges_the_alarm() -> None:
    town = Town()
    town.signal("S1", "fire.alarm")
    (case,) = town.open_cases
    assert town.alarm("S1", "fire.alarm").acknowledged_at is None
    town.after(minutes=2)
    town.act(case.case_no, "sign", FIRE_UNIT)
    assert town.alarm("S1", "fire.alarm").acknowledged_at == town.now
    assert town.verdicts[-1].outcome == "acknowledged"
    assert town.signal("S1", "fire.reset") == ["cleared"]
    town.after(minutes=1)
    town.signal("S1", "fire.alarm")
    assert town.alarm("S1", "fire.alarm").acknowledged_at is None  # raised anew


def test_flapping_is_one_case_and_one_word_to_the_unit() -> None:
    town = Town()
    said = []
    for _ in range(8):
        said += town.signal("S1", "fire.fault")
        town.after(seconds=20)
        said += town.signal("S1", "fire.normal")
        town.after(minutes=2)
    assert said[:10] == ["held", "blip", "blip"] * 3 + ["flapping"]
    assert set(said[9:]) == {"flapping"}
    (case,) = town.open_cases
    assert case.marks == ("flapping",)
    assert [c.mark for c in town.changes if c.tells] == [None, "flapping"]
    assert town.after(hours=5) == ["steady"]
    assert town.cases[case.case_no].state == "done"  # quiet and well: over


def test_a_flapping_fire_alarm_is_still_told_when_no_case_is_open() -> None:
    town = Town()
    for _ in range(7):
        town.signal("S1", "fire.alarm")
        town.after(minutes=1)
    (case,) = town.open_cases
    assert case.marks == ("flapping",)
    town.cases[case.case_no] = case.model_copy(update={"state": "closed"})
    town.open.remove(case.case_no)
    assert town.signal("S1", "fire.alarm") == ["opened"]
    assert len(town.open_cases) == 1


def test_a_second_detector_of_the_zone_confirms() -> None:
    town = Town()
    town.signal("S0", "fire.alarm")
    town.after(seconds=50)
    assert town.signal("S1", "fire.alarm") == ["opened", "confirmed"]
    (case,) = town.open_cases
    assert case.marks == ("confirmed",)
    assert "同区两只探测器：S0号、S1号" in town.changes[-1].reason
    assert town.changes[-1].tells == ("emergency",)


def test_one_detector_twice_or_another_floor_confirms_nothing() -> None:
    town = Town()
    town.signal("S0", "fire.alarm")
    town.signal("S0", "fire.alarm")
    town.signal("S4", "fire.alarm")
    town.after(minutes=20)
    town.signal("S1", "fire.alarm")
    assert all("confirmed" not in case.marks for case in town.cases.values())


def test_a_call_point_of_the_building_confirms_whichever_comes_first() -> None:
    for order in (("S4", "C1"), ("C1", "S4")):
        town = Town()
        for device in order:
            town.signal(device, "fire.alarm")
        (case,) = town.open_cases
        assert case.marks == ("confirmed",)


def test_two_falls_under_one_facade_are_confirmed_and_keep_their_grade() -> None:
    town = Town()
    town.signal("H1", "hat.falling_object")
    town.after(days=12)
    assert town.signal("H1", "hat.falling_object") == ["joined", "confirmed"]
    case = town.open_cases[-1]
    assert (case.marks, case.grade, case.emergency) == (("confirmed",), 2, False)


def test_an_ebike_on_three_evenings_becomes_a_problem_of_its_own() -> None:
    town = Town(EVENING)
    said = []
    for _ in range(3):
        said += town.signal("L1", "lift.ebike_in")
        town.after(minutes=1)
        said += town.signal("L1", "lift.ebike_out")
        town.after(days=1, minutes=-1)
    assert said == ["opened", "cleared", "joined", "cleared", "joined", "repeated", "cleared"]
    problem = next(c for c in town.open_cases if c.class_code == "020302")
    assert problem.device_id == ""
    assert "同梯三晚电动车" in problem.text
    town.signal("L1", "lift.ebike_in")
    assert sum(c.class_code == "020302" for c in town.cases.values()) == 1  # once a week


def test_three_times_on_one_evening_or_at_noon_is_no_habit() -> None:
    town = Town(EVENING)
    for _ in range(3):
        town.signal("L1", "lift.ebike_in")
    for _ in range(3):
        town.after(days=1, hours=-7)
        town.signal("L1", "lift.ebike_in")
        town.after(hours=7)
    assert {c.class_code for c in town.cases.values()} == {"020303"}


def test_a_storm_is_one_case_with_a_list_and_one_alert() -> None:
    town = Town()
    said = []
    for n in range(8):
        said += town.signal(f"S{n}", "fire.fault")
        town.after(seconds=10)
    assert said[:4] == ["held"] * 4
    assert said.count("bundled") == 8
    (case,) = town.open_cases
    assert case.marks == ("bundled",)
    assert case.title.startswith("批量告警（5 台）")
    assert "S0号、S1号" in case.text
    assert case.events == 8
    assert sum(bool(c.tells) for c in town.changes) == 1
    town.signal("S0", "fire.normal")
    assert town.cases[case.case_no].state == "dispatched"  # seven are still ill
    assert "还有 7 处未恢复" in town.verdicts[-1].reason
    assert town.after(minutes=6) == ["ended"]
    assert "共 8 台设备" in town.changes[-1].reason
    for n in range(1, 8):
        town.signal(f"S{n}", "fire.normal")
    assert town.cases[case.case_no].state == "done"


def test_a_fire_in_a_storm_is_not_bundled() -> None:
    town = Town()
    for n in range(6):
        town.signal(f"S{n}", "fire.fault")
    assert town.signal("S6", "fire.alarm") == ["opened"]
    assert {c.class_code for c in town.open_cases} == {"020206", "020104"}


def test_devices_of_another_building_do_not_make_a_storm() -> None:
    town = Town()
    for n in range(4):
        town.signal(f"S{n}", "fire.fault")
    assert town.signal("S90", "fire.fault") == ["held"]
    town.after(minutes=3)
    assert len(town.open_cases) == 5


def test_cameras_without_a_building_are_bundled_by_grid() -> None:
    town = Town()
    for n in range(1, 6):
        town.signal(f"K{n}", "video.lost")
    assert town.storm(GRID) is not None
    assert len(town.open_cases) == 1


def test_a_fault_in_a_repair_window_is_recorded_only_and_the_window_ends() -> None:
    town = Town(maintenance=(window(START),))
    assert town.signal("S1", "fire.fault") == ["maintenance"]
    assert "季度测试" in town.verdicts[-1].reason
    assert town.cases == {}
    town.after(hours=2)
    assert town.signal("S1", "fire.fault") == ["held"]
    assert town.after(minutes=3) == ["released"]


def test_a_fire_in_a_repair_window_goes_to_a_person_with_doubt() -> None:
    town = Town(maintenance=(window(START),))
    assert town.signal("S1", "fire.alarm") == ["doubt"]
    (case,) = town.open_cases
    assert (case.state, case.unit, case.emergency) == ("reported", "desk-990101", True)
    assert case.marks == ("doubt",)
    assert "请核实" in town.changes[0].reason
    assert town.changes[0].tells == ("emergency",)


def test_a_person_who_classes_a_doubtful_fire_need_not_know_its_unit() -> None:
    town = Town(maintenance=(window(START),))
    town.signal("S1", "fire.alarm")
    (case,) = town.open_cases
    assert case.meant == FIRE_UNIT.unit
    town.act(case.case_no, "register", OPERATOR, class_code="020101")
    town.act(case.case_no, "dispatch", OPERATOR)
    sent = town.cases[case.case_no]
    assert (sent.state, sent.unit, sent.class_code) == ("dispatched", FIRE_UNIT.unit, "020101")
    assert sent.meant == ""


def test_a_window_goes_by_when_it_happened() -> None:
    town = Town(maintenance=(window(START),))
    town.after(hours=3)
    assert town.signal("S1", "fire.fault", at=START + timedelta(minutes=5)) == ["maintenance"]
    assert town.signal("S2", "fire.fault", at=START - timedelta(minutes=5)) == ["held"]


def test_an_unknown_device_waits_for_nothing() -> None:
    town = Town()
    assert town.signal("X9", "fire.fault") == []
    assert len(town.open_cases) == 1


def test_exercises_and_simulated_alarms_do_not_meet_real_ones() -> None:
    town = Town()
    town.signal("S0", "fire.alarm", simulated=True)
    town.signal("S1", "fire.alarm")
    assert all("confirmed" not in case.marks for case in town.cases.values())
    assert len(town.open_cases) == 2


def test_an_operator_begins_a_window_and_ends_it() -> None:
    town = Town()

    def repair(hours: float) -> None:
        end = town.now + timedelta(hours=hours)
        begun = Window(window_id="w", scope="building", target="P1", start=START, end=end,
                       by="desk-1", reason="检修")  # fmt: skip
        town.send(Command(
            command_id=f"w{town.now}", case_no=window_number(VILLAGE), move="maintain",
            at=town.now, actor=OPERATOR, window=begun,
        ))  # fmt: skip

    repair(2)
    assert town.verdicts[-1].outcome == "window"
    assert "desk-1" in town.verdicts[-1].reason
    assert town.signal("S1", "fire.fault") == ["maintenance"]
    town.crash()
    assert town.signal("S2", "fire.fault") == ["maintenance"]
    town.after(minutes=5)
    repair(0)
    assert "ended" in town.after(seconds=1)
    assert town.signal("S3", "fire.fault") == ["held"]
    assert town.refused == []
