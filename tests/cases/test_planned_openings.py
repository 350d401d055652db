"""What routes.tsv and campaigns.tsv want done with a case from its first moment, and after a
return."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from schemas.case import Actor, Case, Change, Command, Refusal
from schemas.profile import Campaign, Route
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.rules import Rules
from tests.cases.small_city import (
    FIRE_UNIT,
    HOUSING,
    OPERATOR,
    RULES,
    START,
    SYSTEM,
    opening,
    report,
    small_profile,
)


def opened(rules: Rules = RULES, **changes: object) -> Change:
    done = apply(None, opening(report(**changes)), rules, START)  # type: ignore[arg-type]
    assert isinstance(done, Change)
    return done


def clocks(case: Case) -> set[str]:
    return {one.clock for one in case.deadlines}


def test_a_row_may_leave_it_to_the_grid() -> None:
    done = opened(class_code="020202", channel="grid_app", unit="estate-007", unit_level="grid")
    assert (done.case.state, done.case.unit) == ("grid_handling", "estate-007")
    assert clocks(done.case) == {"contact", "handle"}
    assert [a.recipient for a in alerts_for(done, RULES)] == ["estate-007"]


def test_a_row_may_whistle_for_several_at_once() -> None:
    done = opened(channel="police_110")
    assert done.case.state == "whistle"
    assert done.case.whistled == ("fire-990101001", "housing-990101")
    assert done.case.unit == "fire-990101001"
    assert clocks(done.case) == {"respond", "handle"}
    assert [a.recipient for a in alerts_for(done, RULES)] == ["fire-990101001", "housing-990101"]
    here: Case = done.case
    for n, who in enumerate((FIRE_UNIT, HOUSING)):
        command = Command(command_id=f"r{n}", case_no=here.case_no, move="respond", at=START,
                          actor=who)  # fmt: skip
        answer = apply(here, command, RULES, START)
        assert isinstance(answer, Change)
        here = answer.case
    assert here.state == "responded"


def test_an_emergency_whistle_alerts_everybody_whistled_for() -> None:
    done = opened(channel="police_110", emergency=True, grade=1)
    assert "acknowledge" in clocks(done.case)
    told = [a.recipient for a in alerts_for(done, RULES)]
    assert told == ["fire-990101001", "housing-990101", "desk-990101"]


@pytest.mark.parametrize("unit", ["housing-990101", "desk-990101001"])
def test_a_unit_chosen_otherwise_is_not_overruled(unit: str) -> None:
    """Rules that changed since, or a person's choice: the report's unit stands, plainly."""
    done = opened(channel="police_110", unit=unit)
    assert (done.case.state, done.case.unit, done.case.whistled) == ("dispatched", unit, ())


def moved(case: Case, move: str, actor: Actor, n: int, **fields: object) -> Change | Refusal:
    command = Command.model_validate(
        {"command_id": f"m{n}", "case_no": case.case_no, "move": move, "at": START,
         "actor": actor} | fields
    )  # fmt: skip
    done = apply(case, command, RULES, START)
    assert isinstance(done, Change | Refusal)
    return done


def test_a_unit_that_returned_it_gets_it_again_only_from_a_person() -> None:
    case = opened().case
    asked = moved(case, "request_return", FIRE_UNIT, 1, reason="不属本单位职责")
    assert isinstance(asked, Change)
    granted = moved(asked.case, "grant_return", OPERATOR, 2)
    assert isinstance(granted, Change)
    assert granted.case.returned == ("fire-990101001",)
    assert granted.case.unit == "desk-990101"
    refused = moved(granted.case, "dispatch", SYSTEM, 3, unit="fire-990101001")
    assert isinstance(refused, Refusal)
    assert (refused.code, "已退单" in refused.detail) == ("not_allowed", True)
    other = moved(granted.case, "dispatch", SYSTEM, 4, unit="housing-990101")
    assert isinstance(other, Change)
    person = moved(granted.case, "dispatch", OPERATOR, 5, unit="fire-990101001")
    assert isinstance(person, Change)
    assert person.case.returned == ("fire-990101001",)


def test_a_refused_return_is_none() -> None:
    case = opened().case
    asked = moved(case, "request_return", FIRE_UNIT, 1, reason="不属本单位职责")
    assert isinstance(asked, Change)
    refused = moved(asked.case, "refuse_return", OPERATOR, 2, reason="属职责清单")
    assert isinstance(refused, Change)
    assert refused.case.returned == ()


CAMPAIGN = Campaign(
    campaign_id="winter", name="冬防", starts=date(2026, 3, 1), ends=date(2026, 3, 31),
    classes=("0202",), sign_minutes=10, handle_minutes=600, calendar="natural",
)  # fmt: skip


def test_a_campaign_sets_the_clocks_of_what_was_routed_under_it() -> None:
    profile = small_profile(routes=(Route(route_id="default"),))
    rules = Rules(dataclasses.replace(profile, campaigns={"winter": CAMPAIGN}), RULES.workdays)
    routed = rules.router.route("020201", 2, "hotline_12345", "990101001001007", _ms())
    assert routed.route_id == "winter/default"
    done = opened(rules, route=routed.route_id)
    by = {one.clock: one for one in done.case.deadlines}
    assert (by["sign"].minutes, by["sign"].rule) == (10, "winter")
    assert by["handle"].due == START + timedelta(minutes=600)
    assert by["contact"].rule != "winter"  # it says nothing about it
    other = {o.clock: o for o in opened(rules, route="default").case.deadlines}
    assert other["sign"].minutes == 30
    corrected = {o.clock: o for o in opened(rules, route="winter/default",
                                            class_code="020101").case.deadlines}  # fmt: skip
    assert corrected["sign"].rule != "winter"  # no longer a class of the campaign


def _ms() -> int:
    return int(START.timestamp() * 1000)
