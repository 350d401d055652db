"""Lights decided on JSON are the lights ``cases.apply`` decides, move for move, field for field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.case import Case, Change, Deadline
from schemas.ids import SHANGHAI
from streams.book import case_in, encode
from streams.brief import brief, microseconds, relit, wake_of
from streams.core import clockface
from streams.core.cases import apply
from streams.core.deadlines import overdue_command, wakeups
from streams.core.lights import due_lights
from tests.cases.small_city import OPERATOR, RULES, SYSTEM, TRIAGE, Story

YEAR = (datetime(2026, 1, 5), datetime(2026, 12, 20))  # noqa: DTZ001 - hypothesis adds the zone
CENTURY = (datetime(1990, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001

MOVES: list[tuple[Any, Any, dict[str, Any]]] = [
    ("sign", None, {}), ("handle", None, {}), ("contact", None, {}),
    ("suspend", OPERATOR, {"reason": "等配件", "days": 3}), ("resume", OPERATOR, {}),
    ("request_extension", None, {"reason": "人手不够", "days": 9}),
    ("grant_extension", OPERATOR, {}), ("escalate", OPERATOR, {"reason": "超出职权"}),
    ("finish", OPERATOR, {"reason": "已清理"}), ("verify", OPERATOR, {}),
    ("follow_up", OPERATOR, {"resolved": True}), ("close", SYSTEM, {}),
    ("reopen", OPERATOR, {"reason": "没有解决"}),
    ("dispatch", OPERATOR, {"unit": "housing-990101"}), ("register", OPERATOR, {}),
    ("whistle", OPERATOR, {"unit": "housing-990101"}),
]  # fmt: skip


def slowly(case: Case, now: datetime) -> list[Change]:
    """The lights at ``now``, one command after the other, as models."""
    found: list[Change] = []
    while due := [w for w in wakeups(case) if w.at <= now]:
        applied = apply(case, overdue_command(case.case_no, due[0], now), RULES, now, 7)
        assert isinstance(applied, Change)
        found.append(applied)
        case = applied.case
    return found


def quickly(case: Case, now: datetime) -> list[tuple[bytes, datetime | None]]:
    return [(lit.body, lit.later) for lit in due_lights(written(case), now, 7)]


def written(case: Case) -> bytes:
    return case.model_dump_json(exclude_defaults=True).encode()


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story(start=draw(st.datetimes(*YEAR, timezones=st.just(UTC))))
    triage = draw(st.booleans())
    story.opens(**((TRIAGE if triage else {}) | {"grade": draw(st.integers(1, 4))}))
    for pick in draw(st.lists(st.integers(0, len(MOVES) - 1), max_size=8)):
        hop = timedelta(minutes=draw(st.integers(0, 4000)), microseconds=draw(st.integers(0, 10)))
        if draw(st.booleans()):
            story.until(story.now + hop)
        else:  # nobody looked at the clocks meanwhile
            story.now += hop
        move, actor, fields = MOVES[pick]
        fields = dict(fields)
        if days := fields.pop("days", None):
            fields["review_at"] = story.now + timedelta(days=days)
        unit = actor or SYSTEM.model_copy(update={"role": "unit", "unit": story.it.unit})
        story.try_to(move, unit, **fields)
    return story


@settings(max_examples=300, deadline=None)
@given(story=stories(), later=st.integers(0, 20_000), micro=st.integers(0, 999_999))
def test_both_ways_agree(story: Story, later: int, micro: int) -> None:
    now = story.now + timedelta(minutes=later, microseconds=micro)
    case = story.it
    slow, quick = slowly(case, now), quickly(case, now)
    assert [Change.model_validate_json(body) for body, _ in quick] == slow
    head = brief(story.changes[-1])
    for (body, after), change in zip(quick, slow, strict=True):
        assert orjson.loads(case_in(body)) == orjson.loads(case_in(encode(change)))
        waiting = wakeups(change.case)
        assert after == (waiting[0].at if waiting else None)
        wake = wake_of(change.case)
        assert wake == (microseconds(after) if after else wake)
        head = relit(head, change.case.version, wake, 7, change.command_id)
        assert head == brief(change)


@given(
    st.datetimes(*CENTURY, timezones=st.sampled_from([UTC, SHANGHAI])),
    st.text(),
    st.lists(st.text(max_size=4), max_size=3),
)
def test_a_case_is_written_as_the_models_write_it(at: datetime, text: str, ids: list[str]) -> None:
    story = Story()
    story.opens()
    update = {"updated_at": at, "opened_at": at, "text": text, "event_ids": tuple(ids)}
    case = story.it.model_copy(update=update)
    assert clockface.write(clockface.read(written(case))) == written(case)


def test_every_field_of_a_case_is_carried() -> None:
    """Also one that no light looks at; one that no model knows is refused."""
    assert clockface.QuickCase.__struct_fields__ == tuple(Case.model_fields)
    assert clockface.QuickClock.__struct_fields__ == tuple(Deadline.model_fields)
    story = Story()
    story.opens()
    unknown = orjson.dumps(orjson.loads(written(story.it)) | {"colour": "blue"})
    with pytest.raises(msgspec.ValidationError, match="colour"):
        list(due_lights(unknown, story.now, 7))
