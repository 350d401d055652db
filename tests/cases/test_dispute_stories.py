"""Disputes on a fake clock: found, assigned, mediated level by level, agreed, performed, rated."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.case import Actor, Change, Obligation, Refusal
from schemas.ids import SHANGHAI
from schemas.profile import DisputeField
from streams.core.alerts import alerts_for
from streams.core.lights import due_lights
from streams.core.permits import offered
from streams.core.rules import Rules
from tests.cases.small_city import (
    OPERATOR,
    RULES,
    START,
    TRIAGE,
    VILLAGE,
    WORKDAYS,
    Story,
    opening,
    report,
    shanghai,
    small_profile,
)  # fmt: skip

LEAK = {
    "class_code": "100101",
    "grade": 3,
    "unit": "housing-990101",
    "text": "楼上漏水泡了我家天花板",
}
DAY = timedelta(days=1)


def mediator(story: Story) -> Actor:
    return Actor(role="unit", id="m-1", unit=story.it.unit, area=VILLAGE)


def mediating(rules: Rules = RULES) -> Story:
    story = Story(rules)
    story.opens(**LEAK)
    story.does("assign", OPERATOR)
    story.does("mediate", mediator(story))
    return story


def promise(item: str, days: float, what: str = "修复漏水部位") -> Obligation:
    return Obligation(item=item, what=what, due=START + timedelta(days=days))


def refused(applied: object) -> Refusal:
    assert isinstance(applied, Refusal), applied
    return applied


def test_a_report_of_a_dispute_is_a_dispute_and_an_emergency_is_not() -> None:
    story = Story()
    found = story.opens(**LEAK)
    assert (found.case.state, found.case.field, found.case.unit) == (
        "found", "neighbour", "desk-990101",
    )  # fmt: skip
    assert [d.clock for d in found.case.deadlines] == ["dispatch"]
    assert found.tells == ("triage",)
    grave = Story()
    assert grave.opens(**(LEAK | {"emergency": True, "grade": 1})).case.state == "dispatched"
    unsure = Story()
    assert unsure.opens(**(LEAK | {"confidence": 0.1})).case.state == "reported"
    elsewhere = Story(Rules(small_profile(disputes=()), WORKDAYS))
    assert elsewhere.opens(**LEAK).case.state == "dispatched", "no table, no disputes"


def test_three_tries_in_the_village_three_in_the_town_one_in_the_county_then_the_law() -> None:
    story = mediating()
    seen = []
    while story.it.state in ("mediating", "triaged"):
        seen.append((story.it.mediation, story.it.tries, story.it.unit))
        if story.it.state == "triaged":
            story.does("mediate", mediator(story))
            continue
        story.after(hours=2)
        done = story.does("disagree", mediator(story), reason="本次未达成一致")
        if done.case.state == "triaged":
            assert [a.recipient for a in alerts_for(done, RULES)] == [done.case.unit]
    village, town, county = "sifa-990101001001", "sifa-990101001", "sifa-990101"
    assert seen == [
        ("village", 1, village), ("village", 2, village), ("village", 3, village),
        ("town", 0, town), ("town", 1, town), ("town", 2, town), ("town", 3, town),
        ("county", 0, county), ("county", 1, county),
    ]  # fmt: skip
    assert story.it.state == "failed"
    assert [d.clock for d in story.it.deadlines] == ["refer"]
    story.does("refer", OPERATOR, reason="引导诉讼,法律援助已对接")
    assert story.does("close", OPERATOR).case.state == "closed"


def test_levels_are_data() -> None:
    field = DisputeField(
        field="neighbour", name="邻里纠纷", classes=("100101",), department="司法行政",
        village=0, town=1, county=0,
    )  # fmt: skip
    story = mediating(Rules(small_profile(disputes=(field,)), WORKDAYS))
    assert (story.it.mediation, story.it.unit) == ("town", "sifa-990101001")
    story.does("disagree", mediator(story), reason="未达成一致")
    assert story.it.state == "failed", "one try in the town was all"


def test_each_obligation_has_its_own_lights() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 10), promise("2", 12)))
    assert [(d.clock, d.item, d.by_hand) for d in story.it.deadlines] == [
        ("perform", "1", True), ("perform", "2", True),
    ]  # fmt: skip
    shown = story.until(START + 9.5 * DAY)
    assert [(c.clock, c.item, c.stage, (c.at - START) / DAY) for c in shown] == [
        ("perform", "1", "yellow", 7), ("perform", "1", "remind", 8),
        ("perform", "2", "yellow", 9), ("perform", "1", "remind", 9),
    ]  # fmt: skip
    done = story.does("perform", mediator(story), obligation="1", reason="已修复")
    assert [(e.item, e.in_time) for e in done.ended] == [("1", True)]
    assert [d.item for d in story.it.deadlines] == ["2"]
    shown = story.until(START + 13.5 * DAY)
    assert [(c.item, c.stage, (c.at - START) / DAY) for c in shown] == [
        ("2", "remind", 10), ("2", "remind", 11), ("2", "red", 12), ("2", "again", 13),
    ]  # fmt: skip
    assert len({c.command_id for c in story.changes}) == len(story.changes)
    late = story.does("perform", mediator(story), obligation="2", reason="已支付")
    assert late.case.state == "performed"
    assert [e.in_time for e in late.ended] == [False]
    assert late.case.light == ""


def test_two_obligations_due_at_the_same_moment_each_show() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 5), promise("2", 5)))
    shown = [(c.item, c.stage) for c in story.until(START + 5 * DAY) if c.stage != "remind"]
    assert shown == [("1", "yellow"), ("2", "yellow"), ("1", "red"), ("2", "red")]


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8), st.integers(0, 3))
def test_lights_of_several_obligations_in_bulk_agree(hops: list[int], apart: int) -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 5), promise("2", 5 + apart)))
    for minutes in hops:
        story.now += timedelta(minutes=minutes)
        body = story.it.model_dump_json(exclude_defaults=True).encode()
        quick = [lit.body for lit in due_lights(body, story.now, -1)]
        slow = story.until(story.now)
        assert [Change.model_validate_json(one) for one in quick] == slow


def test_performed_is_looked_at_after_thirty_days_and_rated() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("", 10),))
    story.does("perform", mediator(story), obligation="1")
    (recheck,) = story.it.deadlines
    assert (recheck.clock, recheck.due - story.now) == ("recheck", 30 * DAY)
    assert refused(story.try_to("close", OPERATOR)).code == "impossible_move", "not rated yet"
    story.after(days=29)
    story.does("recheck", OPERATOR, resolved=True, satisfaction=5)
    closed = story.does("close", OPERATOR).case
    assert (closed.state, closed.satisfaction, closed.deadlines) == ("closed", 5, ())


def test_a_breach_is_mediated_again_or_referred() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 3),))
    story.until(START + 4 * DAY)
    story.does("breach", mediator(story), reason="逾期未履行")
    assert [d.clock for d in story.it.deadlines] == ["refer"]
    story.does("mediate", mediator(story))
    assert (story.it.tries, story.it.obligations) == (2, ())
    story.does("agree", mediator(story), obligations=(promise("1", 9),))
    story.does("breach", mediator(story), reason="再次未履行")
    story.does("refer", mediator(story), reason="申请司法确认")
    assert story.does("close", OPERATOR).case.state == "closed"


def test_taken_back_within_the_thirty_days_and_reopened_later() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 3),))
    story.does("perform", mediator(story), obligation="1")
    story.after(days=10)
    story.does("recheck", OPERATOR, resolved=False)
    story.does("breach", OPERATOR, reason="反复")
    story.does("refer", OPERATOR, reason="引导诉讼")
    story.does("close", OPERATOR)
    story.after(days=5)
    again = story.does("reopen", OPERATOR, reason="双方愿意再调")
    assert (again.case.state, again.case.mediation, again.case.tries) == ("found", "", 0)
    assert story.does("assign", OPERATOR).case.mediation == "village"


def test_an_ordinary_case_is_brought_to_mediation_and_a_dispute_to_a_department() -> None:
    story = Story()
    story.opens(**TRIAGE)
    wrong = refused(story.try_to("to_mediation", OPERATOR, reason="双方有争执"))
    assert (wrong.code, "disputes" in wrong.detail or "纠纷" in wrong.detail) == (
        "field_missing", True,
    )  # fmt: skip
    done = story.does("to_mediation", OPERATOR, reason="双方有争执", class_code="100101")
    assert (done.case.state, done.case.field, done.case.unit) == (
        "triaged", "neighbour", "sifa-990101001001",
    )  # fmt: skip
    assert [d.clock for d in done.case.deadlines] == ["sign"]
    back = story.does("dispatch", OPERATOR, unit="housing-990101", class_code="020202")
    assert (back.case.state, back.case.field, back.case.mediation) == ("dispatched", "", "")


FIGHT = {"class_code": "100101", "grade": 1, "emergency": True, "unit": "housing-990101"}


@pytest.mark.parametrize(
    ("brings", "moves", "sensible"),
    [
        ({}, (), False),  # a blocked fire lane
        ({}, ("sign", "handle"), False),
        ({"top3": ("020201", "100101")}, (), True),  # it may be a dispute after all
        (TRIAGE, (), True),  # nobody knows yet
        (FIGHT, (), False),  # an emergency is handled first
        (FIGHT, ("sign",), True),
        (FIGHT, ("sign", "handle", "finish"), False),  # handled already
        (LEAK | {"confidence": 0.1}, ("register",), True),
    ],
)
def test_mediation_is_offered_where_it_makes_sense(
    brings: dict[str, object], moves: tuple[str, ...], sensible: bool
) -> None:
    story = Story()
    story.opens(**brings)
    for move in moves:
        story.does(move, OPERATOR, reason="到场")
    assert ("to_mediation" in offered(story.it, RULES, "operator")) is sensible
    tried = story.try_to("to_mediation", OPERATOR, reason="双方有争执")
    if not sensible:
        wrong = refused(tried)
        assert wrong.code == "impossible_move"
        assert wrong.possible == offered(story.it, RULES)
        assert "to_mediation" not in wrong.possible


def test_closing_and_reopening_are_offered_once_they_can_be_done() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 3),))
    story.does("perform", mediator(story), obligation="1")
    assert "close" not in offered(story.it, RULES, "operator")
    story.does("recheck", OPERATOR, resolved=True)
    assert "close" in offered(story.it, RULES, "operator")
    assert "close" not in offered(story.it, RULES, "unit")


@pytest.mark.parametrize(
    ("obligations", "said"),
    [
        ((promise("1", -1),), "须晚于"),
        ((promise("1", 3), promise("1", 4)), "编号 1 重复"),
        (tuple(promise("", 3) for _ in range(21)), "最多 20 项"),
    ],
)
def test_an_agreement_that_cannot_be(obligations: tuple[Obligation, ...], said: str) -> None:
    story = mediating()
    wrong = refused(story.try_to("agree", mediator(story), obligations=obligations))
    assert (wrong.code, said in wrong.detail) == ("field_missing", True)


def test_what_is_not_owed_cannot_be_performed() -> None:
    story = mediating()
    story.does("agree", mediator(story), obligations=(promise("1", 3), promise("2", 4)))
    story.does("perform", mediator(story), obligation="1")
    for item in ("1", "7"):
        wrong = refused(story.try_to("perform", mediator(story), obligation=item))
        assert "应为:2" in wrong.detail
    stranger = Actor(role="unit", unit="sifa-990101", area="990101")
    assert refused(story.try_to("perform", stranger, obligation="2")).code == "not_allowed"


def test_contacts_leave_an_agreement_and_alerts_carry_no_story() -> None:
    story = mediating()
    what = "向王某支付赔偿,联系13812345678"
    done = story.does("agree", mediator(story), obligations=(promise("1", 3, what),))
    assert "13812345678" not in done.model_dump_json()
    for change in story.until(START + 4 * DAY):
        for alert in alerts_for(change, RULES):
            assert "邻里漏水纠纷" in alert.title
            assert "天花板" not in alert.title
            assert "赔偿" not in alert.title


def test_mediation_runs_in_working_time_over_the_spring_festival() -> None:
    """Ten working days from the eve of the worked Saturday before nine days off."""
    start = datetime(2026, 2, 13, 9, 0, tzinfo=SHANGHAI)
    story = Story(start=start)
    story.opens(**LEAK)
    story.does("assign", OPERATOR)
    story.does("mediate", mediator(story))
    (mediate,) = story.it.deadlines
    # 13, worked Saturday 14, then 24–27, worked Saturday 28, 2–4 March
    assert shanghai(mediate.due) == "2026-03-04 18:00"


def test_mediation_over_the_end_of_the_last_published_year_is_provisional() -> None:
    story = Story(start=datetime(2026, 12, 28, 23, 50, tzinfo=SHANGHAI))
    story.opens(**LEAK)
    story.does("assign", OPERATOR)
    story.does("mediate", mediator(story))
    (mediate,) = story.it.deadlines
    assert (shanghai(mediate.due), mediate.provisional) == ("2027-01-11 18:00", True)
    promised = Obligation(what="修复", due=datetime(2027, 1, 1, 0, 0, tzinfo=SHANGHAI))
    story.does("agree", mediator(story), obligations=(promised,))
    (perform,) = story.it.deadlines
    assert not perform.provisional, "a day that people named is that day"
    (red,) = [c for c in story.until(promised.due + 0.5 * DAY) if c.stage == "red"]
    assert shanghai(red.at) == "2027-01-01 00:00", "at midnight, holiday or not"


def test_the_same_dispute_twice_is_one() -> None:
    story = Story()
    story.opens(**LEAK)
    again = opening(report(2, START, **LEAK), START).model_copy(
        update={"case_no": story.it.case_no}
    )
    assert isinstance(story.send(again), Change)
    assert (story.it.events, story.it.state) == (2, "found")


def test_cases_of_before_disputes_and_ladders_are_still_read() -> None:
    """A change as an earlier version wrote it: its one-step ladder climbs to the desk above."""
    story = Story()
    story.opens()
    body = orjson.loads(story.changes[0].model_dump_json())
    clocks = body["case"]["deadlines"]
    for name in ("item", "yellow_minutes", "remind_minutes", "reminders", "ladder", "climbed"):
        for clock in clocks:
            del clock[name]
    for name in ("field", "mediation", "tries", "obligations", "batch"):
        del body["case"][name]
    del body["item"]
    old = Change.model_validate_json(orjson.dumps(body))
    assert old == story.changes[0]
    story.case = old.case
    (up,) = [c for c in story.after(minutes=61) if c.stage == "escalate"]
    assert [a.recipient for a in alerts_for(up, RULES)] == ["desk-9901"]
