"""What people may not do, and what they are told: a fixed code, words, what is possible instead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.case import Actor, Command, Refusal
from schemas.profile import DeadlineRule
from streams.core.cases import apply
from streams.core.rules import ABOVE, Rules
from tests.cases.small_city import (
    FIRE_UNIT,
    GRID_WORKER,
    OPERATOR,
    RULES,
    WORKDAYS,
    Story,
    small_profile,
)

ELSEWHERE = Actor(role="operator", id="desk-2", unit="desk-990102", area="990102")
LATER = timedelta(minutes=6)


def opened() -> Story:
    story = Story()
    story.opens()
    return story


def closed() -> Story:
    story = opened()
    for move in ("sign", "contact", "handle"):
        story.does(move, FIRE_UNIT)
    story.does("finish", FIRE_UNIT, reason="通道已清")
    story.does("verify", GRID_WORKER)
    story.does("follow_up", OPERATOR, resolved=True)
    story.does("close", OPERATOR)
    return story


def refused(story: Story, move: Any, actor: Actor = OPERATOR, **fields: Any) -> Refusal:
    before = story.case
    answer = story.try_to(move, actor, **fields)
    assert isinstance(answer, Refusal)
    assert story.case is before, "a refusal changes nothing"
    return answer


@pytest.mark.parametrize(
    ("story", "move", "actor", "fields", "code"),
    [
        (closed, "finish", FIRE_UNIT, {"reason": "再办"}, "closed"),
        (closed, "note", OPERATOR, {"reason": "补充"}, "closed"),
        (closed, "rebase", OPERATOR, {"reason": "新规"}, "closed"),
        (opened, "close", OPERATOR, {}, "impossible_move"),
        (opened, "note", ELSEWHERE, {"reason": "x"}, "not_allowed"),
        (opened, "sign", Actor(role="unit", unit="housing-990101"), {}, "not_allowed"),
        (opened, "request_return", FIRE_UNIT, {}, "reason_missing"),
        (opened, "request_return", FIRE_UNIT, {"reason": "  "}, "reason_missing"),
        (opened, "whistle", OPERATOR, {}, "field_missing"),
        (opened, "whistle", OPERATOR, {"unit": "gone-1"}, "field_missing"),
        (opened, "merge", OPERATOR, {}, "field_missing"),
    ],
)
def test_refusals(story: Any, move: Any, actor: Actor, fields: dict[str, Any], code: str) -> None:
    answer = refused(story(), move, actor, **fields)
    assert answer.code == code
    assert answer.detail
    if code in ("closed", "impossible_move"):
        assert answer.possible


def test_a_case_nobody_knows() -> None:
    command = opened().command("note", OPERATOR, reason="x")
    answer = apply(None, command, RULES, command.at)
    assert isinstance(answer, Refusal)
    assert answer.code == "unknown_case"


def test_two_operators_at_once() -> None:
    """Both saw version 1: the first wins, the second is told and may look again."""
    story = opened()
    first = story.command("sign", FIRE_UNIT, expected_version=1)
    second = story.command("whistle", OPERATOR, units=("housing-990101",), expected_version=1)
    story.done(story.send(first))
    answer = story.send(second)
    assert isinstance(answer, Refusal)
    assert (answer.code, story.it.state) == ("stale_version", "signed")
    assert "handle" in answer.possible


def test_an_action_from_the_future() -> None:
    story = opened()
    command = story.command("sign", FIRE_UNIT)
    ahead = command.model_copy(update={"at": story.now + LATER})
    answer = story.send(ahead)
    assert isinstance(answer, Refusal)
    assert answer.code == "future_action"
    story.done(story.send(command.model_copy(update={"at": story.now + timedelta(minutes=4)})))
    assert story.it.updated_at == story.now, "a clock a little fast moves nothing ahead"


def test_a_unit_dissolved_while_it_has_the_case() -> None:
    """The case stays visible and movable: lights show, the desk can send it elsewhere."""
    story = opened()
    units = {u: row for u, row in small_profile().units.items() if u != "fire-990101001"}
    story.rules = Rules(small_profile(units=units), WORKDAYS)
    assert [c.stage for c in story.after(minutes=30)] == ["yellow", "red"]
    story.does("request_return", FIRE_UNIT, reason="机构撤并")
    assert refused(story, "dispatch", unit="fire-990101001").code == "field_missing"
    assert story.does("dispatch", OPERATOR, unit="housing-990101").case.unit == "housing-990101"


def test_a_limit_of_zero_is_no_rule() -> None:
    for field in ("minutes", "escalate_minutes", "repeat_minutes"):
        with pytest.raises(ValidationError):
            DeadlineRule.model_validate({"rule_id": "x", "clock": "sign", field: 0})


def test_the_ladder_has_no_loop() -> None:
    """From any level it ends at the city, which stands over itself."""
    for level in ABOVE:
        seen = [level]
        while (above := ABOVE[seen[-1]]) != seen[-1]:
            assert above not in seen
            seen.append(above)
        assert seen[-1] == "city"
    assert RULES.desk_above("990101001001", "grid", steps=99) == "desk-9901"


def test_commands_of_another_shape_are_no_commands() -> None:
    good = opened().command("sign", FIRE_UNIT).model_dump()
    for wrong in ({"move": "explode"}, {"at": "2026-03-11T09:00:00"}, {"satisfaction": 6},
                  {"quorum": -1}, {"phone": "13800000000"}):  # fmt: skip
        with pytest.raises(ValidationError):
            Command.model_validate(good | wrong)
