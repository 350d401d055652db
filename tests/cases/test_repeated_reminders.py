"""A light nobody answers shows again, each time once, and climbs its ladder."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.case import Change
from schemas.profile import DeadlineRule, LadderStep
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.deadlines import overdue_command, wakeups
from streams.core.lights import due_lights
from streams.core.rules import Rules
from tests.cases.small_city import (
    DEADLINES,
    FIRE_UNIT,
    OPERATOR,
    START,
    SUPERVISOR,
    WORKDAYS,
    Story,
    lights,
    small_profile,
)

DAILY = DeadlineRule(
    rule_id="daily", clock="sign", minutes=60, calendar="natural", escalate_minutes=2000,
    repeat_minutes=1440,
)  # fmt: skip
RULES = Rules(small_profile(deadlines=(DAILY, *DEADLINES)), WORKDAYS)
LADDER = (
    LadderStep(step_id="one", minutes=10, level="county", next="two"),
    LadderStep(step_id="two", minutes=25, level="city", next="three"),
    LadderStep(step_id="three", minutes=120, unit="housing-990101"),
)
CLIMBING = DeadlineRule(
    rule_id="climbing", clock="sign", minutes=120, calendar="natural", yellow_minutes=90,
    remind_minutes=20, ladder="one", repeat_minutes=60,
)  # fmt: skip


def climbing(*rows: DeadlineRule, steps: tuple[LadderStep, ...] = LADDER) -> Rules:
    profile = small_profile(
        deadlines=(*rows, *DEADLINES), ladder_steps={step.step_id: step for step in steps}
    )
    return Rules(profile, WORKDAYS)


HIGH = climbing(CLIMBING)


def of_sign(changes: list[Change]) -> list[Change]:
    return [c for c in changes if c.clock == "sign"]


def test_red_every_day_until_somebody_signs() -> None:
    story = Story(RULES)
    story.opens()
    shown = of_sign(story.after(days=3, hours=2))
    assert [c.stage for c in shown] == ["yellow", "red", "again", "escalate", "again", "again"]
    reds = [c.at for c in shown if c.stage in ("red", "again")]
    assert reds == [story.start + timedelta(hours=1, days=n) for n in range(4)]
    again = [c for c in shown if c.stage == "again"]
    assert all(c.tells == ("red",) for c in again)
    assert len({a.alert_id for c in again for a in alerts_for(c, RULES)}) == 6
    assert {c.late_seconds for c in shown} == {0}
    story.does("sign", FIRE_UNIT)
    assert of_sign(story.after(days=9)) == []


def test_after_an_outage_the_missed_ones_are_one() -> None:
    story = Story(RULES)
    story.opens()
    story.after(hours=1)
    story.now += timedelta(days=5, hours=3)  # nobody was there
    shown = of_sign(story.until(story.now))
    assert [c.stage for c in shown] == ["again", "escalate"]
    assert shown[0].late_seconds == (4 * 24 + 3) * 3600
    (sign,) = [d for d in story.it.deadlines if d.clock == "sign"]
    assert sign.repeats == 5
    assert [c.at for c in of_sign(story.after(days=1))] == [
        story.start + timedelta(hours=1, days=6)
    ]


def test_the_same_repetition_twice_is_once() -> None:
    story = Story(RULES)
    story.opens()
    story.after(hours=2)
    (wakeup,) = [w for w in wakeups(story.it) if w.clock == "sign"]
    story.now = wakeup.at
    command = overdue_command(story.it.case_no, wakeup, story.now)
    assert story.done(story.send(command)).stage == "again"
    assert not isinstance(apply(story.it, command, RULES, story.now), Change)
    early = command.model_copy(update={"clock_version": story.it.version})
    assert not isinstance(apply(story.it, early, RULES, story.now), Change), "never early"


def minutes_of(changes: list[Change]) -> list[tuple[str | None, float]]:
    return [(c.stage, (c.at - START) / timedelta(minutes=1)) for c in of_sign(changes)]


def told(change: Change, rules: Rules = HIGH) -> list[str]:
    return [alert.recipient for alert in alerts_for(change, rules)]


def test_yellow_at_a_lead_time_and_again_until_red_then_step_by_step() -> None:
    story = Story(HIGH)
    story.opens()
    shown = of_sign(story.after(hours=5))
    assert minutes_of(shown) == [
        ("yellow", 30), ("remind", 50), ("remind", 70), ("remind", 90), ("remind", 110),
        ("red", 120), ("escalate", 130), ("escalate", 145), ("again", 180), ("escalate", 240),
        ("again", 240), ("again", 300),
    ]  # fmt: skip
    steps = [c for c in shown if c.stage == "escalate"]
    assert [told(c) for c in steps] == [["desk-990101"], ["desk-9901"], ["housing-990101"]]
    assert all(told(c) == ["fire-990101001"] for c in shown if c.stage == "remind")
    assert story.it.level_up == 3
    assert {c.late_seconds for c in shown} == {0}
    assert len({c.command_id for c in shown}) == len(shown), "each is a timer of its own"


def test_signing_ends_reminders_and_the_ladder() -> None:
    story = Story(HIGH)
    story.opens()
    story.after(minutes=131)
    story.does("sign", FIRE_UNIT)
    assert of_sign(story.after(days=2)) == []


def test_after_an_outage_reminders_are_one_and_every_step_is_told() -> None:
    story = Story(HIGH)
    story.opens()
    story.after(minutes=31)
    story.now += timedelta(minutes=70)  # 101: three reminders were missed
    (reminded,) = of_sign(story.until(story.now))
    assert (reminded.stage, reminded.late_seconds) == ("remind", 51 * 60)
    assert minutes_of(story.after(minutes=10)) == [("remind", 110)]
    story.now += timedelta(hours=9)
    assert [c.stage for c in of_sign(story.until(story.now))] == [
        "red", "escalate", "escalate", "again", "escalate",
    ]  # fmt: skip


def test_a_step_whose_unit_is_gone_goes_to_the_county() -> None:
    gone = (LadderStep(step_id="one", minutes=10, unit="closed-down"),)
    story = Story(climbing(CLIMBING, steps=gone))
    story.opens()
    (step,) = [c for c in story.after(minutes=140) if c.stage == "escalate"]
    assert told(step, story.rules) == ["desk-990101"]


def test_a_changed_ladder_holds_from_a_rebase_on() -> None:
    story = Story(HIGH)
    story.opens()
    story.after(minutes=131)
    story.rules = climbing(
        CLIMBING, steps=(LADDER[0], LadderStep(step_id="two", minutes=40, level="city"))
    )
    story.does("rebase", SUPERVISOR, reason="改用新阶梯")
    shown = [c for c in story.after(hours=3) if c.stage == "escalate"]
    assert minutes_of(shown) == [("escalate", 160)]
    assert told(shown[0], story.rules) == ["desk-9901"]


def test_an_extension_starts_reminders_and_the_ladder_anew() -> None:
    handle = CLIMBING.model_copy(update={"rule_id": "handling", "clock": "handle"})
    story = Story(climbing(handle))
    story.opens()
    story.does("sign", FIRE_UNIT)
    story.after(minutes=131)
    assert next(d for d in story.it.deadlines if d.clock == "handle").climbed == 1
    later = START + timedelta(minutes=400)
    story.does("request_extension", FIRE_UNIT, reason="待材料", review_at=later)
    story.does("grant_extension", OPERATOR)
    shown = [c for c in story.after(hours=8) if c.clock == "handle"]
    found = [(c.stage, (c.at - START) / timedelta(minutes=1)) for c in shown]
    assert found[0] == ("yellow", 310)
    assert ("escalate", 410) in found
    assert ("escalate", 425) in found


@given(
    st.lists(st.integers(1, 6000), min_size=1, max_size=6)
    | st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.sampled_from([RULES, HIGH]),
)
def test_bulk_lights_agree(hops: list[int], rules: Rules) -> None:
    """Lights decided on JSON are the same, repetitions, steps and all."""
    story = Story(rules)
    story.opens()
    for minutes in hops:
        story.now += timedelta(minutes=minutes)
        body = story.it.model_dump_json(exclude_defaults=True).encode()
        quick = [lit.body for lit in due_lights(body, story.now, -1)]
        slow = story.until(story.now)
        assert [Change.model_validate_json(one) for one in quick] == slow


def test_without_a_row_nothing_repeats() -> None:
    story = Story()
    story.opens()
    assert "again" not in {stage for _, stage in lights(story.after(days=30))}
