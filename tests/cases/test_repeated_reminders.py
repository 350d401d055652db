"""A red light nobody answers shows again, each time once, and says so also after an outage."""

from __future__ import annotations

from datetime import timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.case import Change
from schemas.profile import DeadlineRule
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.deadlines import overdue_command, wakeups
from streams.core.lights import due_lights
from streams.core.rules import Rules
from tests.cases.small_city import DEADLINES, FIRE_UNIT, WORKDAYS, Story, lights, small_profile

DAILY = DeadlineRule(
    rule_id="daily", clock="sign", minutes=60, calendar="natural", escalate_minutes=2000,
    repeat_minutes=1440,
)  # fmt: skip
RULES = Rules(small_profile(deadlines=(DAILY, *DEADLINES)), WORKDAYS)


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


@given(st.lists(st.integers(1, 6000), min_size=1, max_size=6))
def test_bulk_lights_agree(hops: list[int]) -> None:
    """Lights decided on JSON are the same, repetitions and all."""
    story = Story(RULES)
    story.opens()
    for minutes in hops:
        story.now += timedelta(minutes=minutes)
        body = orjson.loads(story.it.model_dump_json(exclude_defaults=True))
        quick = [orjson.dumps(change) for change, _ in due_lights(body, story.now, -1)]
        slow = story.until(story.now)
        assert [Change.model_validate_json(one) for one in quick] == slow


def test_without_a_row_nothing_repeats() -> None:
    story = Story()
    story.opens()
    assert "again" not in {stage for _, stage in lights(story.after(days=30))}
