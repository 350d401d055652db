"""Alerts that are acknowledged by themselves: the store says what the rules say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.sqlfiles import read_sql
from schemas.alert import Alert
from schemas.case import Actor
from streams.core.alerts import ANSWER_PAIRS, ANSWERS, alerts_for, answers
from streams.core.moves import MOVES
from streams.records import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    CHANGE_COLUMNS,
    alert_row,
    case_row,
    change_row,
)
from tests.cases.small_city import (
    FIRE_UNIT,
    GRID_WORKER,
    HOUSING,
    OPERATOR,
    RULES,
    START,
    TRIAGE,
    VILLAGE,
    Story,
)
from tests.wall.conftest import Store

WHISTLED = {"channel": "police_110", "class_code": "020201", "unit": FIRE_UNIT.unit}
LEAK = {"class_code": "100101", "grade": 3, "unit": HOUSING.unit}
MEDIATOR = Actor(role="unit", id="m-1", unit="sifa-990101001001", area=VILLAGE)


def signed(story: Story) -> None:
    story.opens()
    story.does("sign", FIRE_UNIT)


def waiting(story: Story) -> None:
    story.opens()
    story.does("note", OPERATOR, reason="已电话催促")


def sent_on(story: Story) -> None:
    signed(story)
    story.does("handle", FIRE_UNIT)
    story.after(minutes=1)
    story.does("transfer", FIRE_UNIT, unit=HOUSING.unit, reason="属住建职责")


def mediated(story: Story) -> None:
    story.opens(**LEAK)
    story.does("assign", OPERATOR)
    story.after(minutes=1)
    story.does("mediate", MEDIATOR)


def to_be_mediated(story: Story) -> None:
    story.opens(**LEAK)
    story.does("assign", OPERATOR)


def half_responded(story: Story) -> None:
    story.opens()
    story.does("whistle", OPERATOR, units=(FIRE_UNIT.unit, HOUSING.unit))
    story.after(minutes=1)
    story.does("respond", HOUSING)


def burning(story: Story) -> None:
    story.opens(grade=1, emergency=True)
    story.does("sign", FIRE_UNIT)


def burning_and_heard(story: Story) -> None:
    burning(story)
    desk = next(a for a in alerts_for(story.changes[0], RULES) if a.recipient == OPERATOR.unit)
    story.does("acknowledge", OPERATOR, alert_id=desk.alert_id)


def classed(story: Story) -> None:
    story.opens(**TRIAGE)
    story.does("register", OPERATOR, class_code="020202")


def in_grid(story: Story) -> None:
    story.opens()
    story.does("handle_in_grid", GRID_WORKER)


#: story, alerts still open after it: (kind, recipient)
STORIES: tuple[tuple[Callable[[Story], None], set[tuple[str, str]]], ...] = (
    (signed, set()),
    (waiting, {("assigned", FIRE_UNIT.unit)}),
    (sent_on, {("assigned", HOUSING.unit)}),
    (mediated, set()),
    (to_be_mediated, {("assigned", MEDIATOR.unit)}),
    (half_responded, {("assigned", FIRE_UNIT.unit)}),
    (burning, {("emergency", "desk-990101")}),
    (burning_and_heard, set()),
    (classed, set()),
    (in_grid, set()),
)


class Slow(Story):
    """A story whose steps are a minute apart."""

    def send(self, command: Any) -> Any:
        self.now += timedelta(minutes=1)
        return super().send(command.model_copy(update={"at": self.now}))


def left_open(story: Story) -> set[tuple[str, str]]:
    """What is open by the rules, change by change."""
    found: dict[str, Alert] = {}
    for change in story.changes:
        found = {
            id_: a for id_, a in found.items()
            if id_ != change.alert_id and not answers(a.kind, a.recipient, change)
        }  # fmt: skip
        found |= {a.alert_id: a for a in alerts_for(change, RULES)}
    return {(a.kind, a.recipient) for a in found.values()}


@pytest.mark.parametrize(("tells", "left"), STORIES, ids=[s[0].__name__ for s in STORIES])
def test_what_is_still_open(
    store: Store, tells: Callable[[Story], None], left: set[tuple[str, str]]
) -> None:
    story = Slow()
    tells(story)
    assert left_open(story) == left
    told = [a for change in story.changes for a in alerts_for(change, RULES)]
    assert told
    rows = ((ALERT_COLUMNS, "alerts", [alert_row(a) for a in told]),
            (CHANGE_COLUMNS, "case_changes", [change_row(c) for c in story.changes]),
            (CASE_COLUMNS, "cases", [case_row(c.case) for c in story.changes]))  # fmt: skip
    case_no = story.it.case_no
    try:
        for columns, table, some in rows:
            store.client.insert(table, some, column_names=columns)
        asked: dict[str, Any] = {
            "recipient": "", "kind": "", "desks": 0, "desk_unit": "desk-9901", "area": VILLAGE,
            "unit_only": "", "since_ms": int(START.timestamp() * 1000), "unacknowledged": 1,
            "answers": list(ANSWER_PAIRS), "before_ms": 1 << 61, "before_id": "", "limit": 500,
        }  # fmt: skip
        found = [r for r in ask(store, "alerts", asked) if r["case_no"] == case_no]
        assert {(r["kind"], r["recipient"]) for r in found} == left
        assert not any(r["acknowledged"] for r in found)
        every = [r for r in ask(store, "alerts", asked | {"unacknowledged": 0})
                 if r["case_no"] == case_no]  # fmt: skip
        assert len(every) == len(told)
        assert {(r["kind"], r["recipient"]) for r in every if not r["acknowledged"]} == left
        desks = ask(store, "alerts", asked | {"desks": 1, "kind": "emergency"})
        assert {(r["kind"], r["recipient"]) for r in desks if r["case_no"] == case_no} == {
            one for one in left if one[0] == "emergency"
        }
        own = ask(store, "case_alerts", {"case_no": case_no, "answers": list(ANSWER_PAIRS)})
        assert {(r["kind"], r["recipient"]) for r in own if not r["acknowledged"]} == left
    finally:
        for _, table, _ in rows:
            store.client.command(f"DELETE FROM {table} WHERE case_no = '{case_no}'")


def ask(store: Store, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    result = store.client.query(read_sql(f"api/{name}.sql"), parameters=parameters)
    return list(result.named_results())


def test_every_answer_is_a_move_of_people() -> None:
    people = {row.on for row in MOVES if row.who not in (("system",), ("timer",))}
    for moves in ANSWERS.values():
        assert moves <= people
