"""A case's changes turned back into commands: applied again, they make the same case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schemas.case import Case, Change, Command, Obligation
from streams.core.cases import apply
from streams.core.causes import causes
from streams.core.merging import absorbing
from tests.cases.small_city import (
    FIRE_UNIT,
    GRID_WORKER,
    OPERATOR,
    SUPERVISOR,
    SYSTEM,
    TRIAGE,
    VILLAGE,
    Story,
    opening,
    report,
)

#: what decides about lights, places and further moves
KEPT = (
    "state", "unit", "unit_level", "class_code", "grade", "emergency", "route", "deadlines",
    "event_ids", "distinct", "whistled", "responded", "quorum", "marks", "batch", "field",
    "mediation", "tries", "back_to", "review_at", "merged_into", "rework", "resolved", "returned",
)  # fmt: skip
OTHER = f"20260311-{VILLAGE}-BBBBBB"
DISPUTE: dict[str, Any] = {"class_code": "100101", "grade": 3, "unit": "", "unit_level": ""}


def kept(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in KEPT} | {
        "obligations": [(o.item, o.due, o.done_at) for o in case.obligations]
    }


def joins(story: Story, event: str, **fields: Any) -> None:
    story.does("attach", SYSTEM, report=report(at=story.now, event_id=event, **fields))


def sorted_out(story: Story) -> None:
    story.opens()
    joins(story, "second", grade=1, emergency=True, class_code="020101")
    story.after(minutes=5)
    out = report(at=story.now, event_id="second")
    story.does("unmerge", OPERATOR, reason="另一件事", report=out, distinct_from=OTHER)
    story.does("distinct", OPERATOR, distinct_from=f"20260311-{VILLAGE}-CCCCCC")


def corrected(story: Story) -> None:
    story.opens(**TRIAGE)
    story.after(minutes=10)
    story.does("register", OPERATOR, class_code="020202")
    joins(story, "graver", grade=2)
    story.after(minutes=10)
    same = {"unit": "housing-990101", "class_code": "020202"}
    story.does("dispatch", OPERATOR, **same)  # the same class again: its grade is back


def cleared(story: Story) -> None:
    device: dict[str, Any] = {
        "channel": "fire_iot", "device_id": "a", "event_code": "device.fault",
        "class_code": "020206", "grade": 2,
    }  # fmt: skip
    story.opens(**device)
    story.after(minutes=3)
    other = report(at=story.now, **(device | {"event_id": "c-1", "device_id": "b"}))
    story.does("clear", SYSTEM, report=other)
    story.after(minutes=3)
    own = report(at=story.now, **(device | {"event_id": "c-2"}))
    story.does("clear", SYSTEM, report=own)


def marked(story: Story) -> None:
    story.opens(class_code="020104", grade=2, channel="fire_iot", event_code="fire.alarm")
    story.after(minutes=1)
    story.does("mark", SYSTEM, reason="三个探头", mark="confirmed", grade=1)


def whistled(story: Story) -> None:
    story.opens()
    units = ("housing-990101", "fire-990101001", "sifa-990101")
    story.does("whistle", OPERATOR, units=units, unit=units[0], quorum=2)
    story.after(minutes=5)
    story.does("respond", OPERATOR, unit=units[2])
    story.after(minutes=5)
    story.does("respond", FIRE_UNIT)
    assert story.it.state == "responded"


def led(story: Story) -> None:
    until = {"review_at": story.now + timedelta(days=2)}
    one = report(at=story.now, lead="batch")
    story.done(story.send(opening(one, story.now).model_copy(update=until)))
    story.after(days=3)
    story.does("check", GRID_WORKER, reason="没有", found=False)
    story.does("push_again", OPERATOR, reason="再看")
    story.after(hours=1)
    story.does("check", GRID_WORKER, reason="有", found=True)


def agreed(story: Story) -> None:
    story.opens(**DISPUTE)
    story.does("assign", OPERATOR)
    story.after(hours=1)
    for _ in range(7):
        if story.it.state == "triaged":
            story.does("mediate", SUPERVISOR)
        if story.it.unit != "sifa-990101":
            story.does("disagree", SUPERVISOR, reason="谈不拢")
        story.after(hours=2)
    due = [story.now + timedelta(days=n) for n in (4, 9)]
    what = tuple(Obligation(what="修复", due=at) for at in due)
    story.does("agree", SUPERVISOR, obligations=what)
    story.after(days=1)
    story.does("perform", SUPERVISOR, obligation="2")
    story.after(days=5)
    story.does("breach", SUPERVISOR, reason="没修")
    story.does("mediate", SUPERVISOR)


def settled(story: Story) -> None:
    story.opens(**DISPUTE)
    story.does("assign", OPERATOR)
    story.does("mediate", SUPERVISOR)
    due = story.now + timedelta(days=1)
    story.does("agree", SUPERVISOR, obligations=(Obligation(what="修复", due=due),))
    story.after(hours=1)
    story.does("perform", SUPERVISOR, obligation="1")
    story.after(days=31)
    story.does("recheck", OPERATOR, resolved=True, satisfaction=5)
    story.does("close", OPERATOR)


def brought_to_mediation(story: Story) -> None:
    story.opens()
    story.after(minutes=5)
    story.does("to_mediation", OPERATOR, reason="其实是纠纷", class_code="100101")


def back_from_a_merge(story: Story) -> None:
    story.opens()
    story.does("merge", OPERATOR, merged_into=OTHER)
    story.after(hours=1)
    story.does("unmerge", OPERATOR, reason="不是一件事")


def took_another_in(story: Story) -> None:
    story.opens(class_code="020202", grade=3, unit="estate-007")
    story.after(minutes=2)
    child = Story(start=story.now)
    child.opens(event_id="of-the-child", grade=1, emergency=True)
    command = child.command("merge", OPERATOR, merged_into=story.it.case_no)
    merged = child.done(child.send(command))
    absorbs = absorbing(merged.case, story.it, command)
    assert isinstance(absorbs, Command)
    story.done(story.send(absorbs))


STORIES: tuple[Callable[[Story], None], ...] = (
    sorted_out, corrected, cleared, marked, whistled, led, agreed, settled, brought_to_mediation,
    back_from_a_merge, took_another_in,
)  # fmt: skip


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_causes_make_the_same_case_again(tell: Callable[[Story], None]) -> None:
    story = Story()
    tell(story)
    story.after(days=3)
    again = Story()
    for command in causes(story.changes):
        again.until(command.at)
        applied = apply(again.case, command, again.rules, command.at)
        assert isinstance(applied, Change), applied
        again.case = applied.case
        again.changes.append(applied)
    again.until(story.now)
    for was, now in zip(story.changes, again.changes, strict=True):
        assert (now.move, now.at, now.stage) == (was.move, was.at, was.stage)
        assert kept(now.case) == kept(was.case), was.move
