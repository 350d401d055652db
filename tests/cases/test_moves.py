"""Every row of the table of moves: done by whom it may be, refused to all others."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from schemas.case import Actor, Case, Change, Clock, Command, Move, Obligation, Refusal, Role, State
from streams.core.cases import apply
from streams.core.deadlines import start_clock
from streams.core.dispute_moves import DISPUTE_STATES
from streams.core.lead_moves import LEAD_STATES
from streams.core.moverow import ALL, Row
from streams.core.moves import (
    BY_MOVE,
    CASE_STATES,
    CLOCKS,
    FINAL,
    MOVE_NAMES,
    MOVES,
    OF_NO_CASE,
    OPEN,
    POSSIBLE,
    ROLES,
    STATES,
    state_diagram,
    targets,
)
from tests.cases.small_city import (
    ACTORS,
    GRID,
    HOUSING,
    RULES,
    START,
    TRIAGE,
    Story,
    opening,
    report,
)

NOW = START + timedelta(minutes=3)
PROMISED = Obligation(item="1", what="修复漏水", due=START + timedelta(days=9))
#: what makes a row's condition hold, and what makes a row without one the first that does
HOLDS: dict[str, dict[str, Any]] = {
    "all_responded": {"whistled": ("housing-990101",)},
    "device_health": {"event_code": "fire.fault", "channel": "fire_iot"},
    "unresolved": {"resolved": False},
    "tries_left": {"class_code": "100101", "mediation": "village", "tries": 2},
    "level_above": {"class_code": "100101", "mediation": "village", "tries": 3},
    "all_performed": {"obligations": (PROMISED,)},
    "rechecked": {"resolved": True},
    "was_dispute": {"field": "neighbour"},
    "mediable": {"class_code": "100101"},
    "hazard": {},
    "critical_mark": {"grade": 1, "emergency": True},
    "told_mark": {},
    "": {"whistled": ("housing-990101", "desk-9901"), "resolved": True,
         "obligations": (PROMISED, PROMISED.model_copy(update={"item": "2"}))},
}  # fmt: skip
#: what a report brings for a row that opens a case
OPENS: dict[str, dict[str, Any]] = {
    "routed": {}, "": TRIAGE, "dispute": {"class_code": "100101", "grade": 3},
    "lead": {"lead": "batch-1"}, "whistled": {"channel": "police_110"},
    "in_grid": {"class_code": "020202", "channel": "grid_app", "unit": "estate-007"},
}  # fmt: skip
FIELDS: dict[str, Any] = {
    "reason": "情况属实", "unit": "housing-990101", "review_at": START + timedelta(days=30),
    "resolved": True, "merged_into": "20260311-990101001001-AAAAAA", "alert_id": "alert-1",
    "report": report(2, NOW), "distinct_from": "20260311-990101001001-BBBBBB",
    "obligations": (PROMISED,), "obligation": "1", "found": False,
    "mark": "confirmed",
}  # fmt: skip
LABEL = [f"{n}-{row.on}-{row.to}" for n, row in enumerate(MOVES)]


def case_in(state: State, when: str = "", paused: tuple[Clock, ...] = ()) -> Case:
    """A case in a state, with all clocks running but those paused: a row shows what it does."""
    story = Story()
    story.opens()
    clocks = tuple(start_clock(RULES, story.it, clock, START, 1) for clock in CLOCKS)
    clocks = tuple(
        d.model_copy(update={"paused_at": START}) if d.clock in paused else d for d in clocks
    )
    fields = {"state": state, "deadlines": clocks, "version": 7, "back_to": "signed"}
    fields["review_at"] = FIELDS["review_at"]
    if state == "merged":
        fields["merged_into"] = FIELDS["merged_into"]
    if state == "closed":
        fields |= {"deadlines": (), "closed_at": START}
    return story.it.model_copy(update=fields | HOLDS[when])


def actor(role: Role, row: Row) -> Actor:
    return HOUSING if role == "unit" and row.on == "respond" else ACTORS[role]


def command(case: Case | None, row: Row, role: Role, **changes: Any) -> Command:
    if case is None:
        one = report(1, NOW, **OPENS[row.when])
        return opening(one, NOW).model_copy(update={"actor": actor(role, row)} | changes)
    fields = {need: FIELDS[need] for need in row.needs}
    if row.on == "mark" and not row.when:
        fields["mark"] = "bundled"
    if row.on == "respond" and role != "unit":
        fields["unit"] = "housing-990101"
    if row.on in ("to_mediation", "assign"):
        fields["class_code"] = "100101"
    if row.when == "hazard":
        fields["found"] = True
    fields |= {"command_id": "c", "case_no": case.case_no, "move": row.on, "at": NOW}
    return Command(**(fields | {"actor": actor(role, row)} | changes))


def cases_of(row: Row) -> list[Case | None]:
    if not row.frm:
        return [None]
    joined = {"event_ids": ("event-1", "event-2"), "events": 2} if row.on == "unmerge" else {}
    return [case_in(s, row.when, row.resume).model_copy(update=joined) for s in row.frm]


@pytest.mark.parametrize("row", MOVES[:-1], ids=LABEL[:-1])
def test_allowed(row: Row) -> None:
    """All but the last row, whose lights have tests of their own."""
    for case, role in product(cases_of(row), row.who):
        done = apply(case, command(case, row, role), RULES, NOW, 41)
        assert isinstance(done, Change), done
        after = done.case
        assert after.version == (case.version if case else 0) + 1
        assert done.from_state == (case.state if case else None)
        assert after.state in (targets(row) or (done.from_state,))
        assert done.tells == row.tells
        assert (done.at, done.command_offset, done.actor) == (NOW, 41, actor(role, row))
        clocks_are_as_the_row_says(case, after, row)


def clocks_are_as_the_row_says(case: Case | None, after: Case, row: Row) -> None:
    before = {d.clock: d for d in case.deadlines} if case else {}
    running = {d.clock: d for d in after.deadlines}
    for clock in get_args(Clock):
        if clock in row.start and (clock in row.stop or clock not in before):
            assert running[clock].started_at == NOW
            assert running[clock].version == after.version
        elif clock in row.stop:
            assert clock not in running
        elif clock in row.pause:
            assert running[clock].paused_at == NOW
        elif clock in row.resume:
            assert running[clock].paused_at is None
            assert running[clock].due == before[clock].due + timedelta(minutes=3)
        elif row.on == "grant_extension" and clock == "handle":
            assert running[clock].due == FIELDS["review_at"]
            assert running[clock].original_due == before[clock].due
        else:  # nothing else touches a clock, not even starting one that runs
            assert running.get(clock) == before.get(clock)


@pytest.mark.parametrize("row", MOVES, ids=LABEL)
def test_refused_to_others(row: Row) -> None:
    for case, role in product(cases_of(row), get_args(Role)):
        if role in row.who:
            continue
        refused = apply(case, command(case, row, role), RULES, NOW)
        assert isinstance(refused, Refusal)
        assert refused.code == "not_allowed"
        assert ROLES[role] in refused.detail
        assert MOVE_NAMES[row.on] in refused.detail


@pytest.mark.parametrize("row", MOVES, ids=LABEL)
def test_refused_without_what_it_needs(row: Row) -> None:
    for case, need in product(cases_of(row), row.needs):
        nothing = ("review_at", "resolved", "report", "found", "mark")
        blanks = dict.fromkeys(nothing) | {"obligations": ()}
        blank = blanks.get(need, "  " * (need == "reason"))
        refused = apply(case, command(case, row, row.who[0], **{need: blank}), RULES, NOW)
        assert isinstance(refused, Refusal), (row, need)
        assert refused.code == ("reason_missing" if need == "reason" else "field_missing")
        assert f"({need})" in refused.detail


@pytest.mark.parametrize(
    ("move", "state"),
    [
        (m, s)
        for m in get_args(Move)
        for s in get_args(State)
        if m not in OF_NO_CASE and not BY_MOVE.get((m, s))
    ],
)
def test_impossible(move: Move, state: State) -> None:
    """From a state no row names, every move is refused with what is possible instead."""
    if move == "report":
        return  # becomes ``attach``: tested there
    row = next(r for r in MOVES if r.on == move)
    case = case_in(state)
    refused = apply(case, command(case, row, row.who[0]), RULES, NOW)
    assert isinstance(refused, Refusal)
    assert refused.code == ("closed" if state in FINAL else "impossible_move")
    assert STATES[state] in refused.detail
    assert MOVE_NAMES[move] in refused.detail
    assert refused.possible
    assert set(refused.possible) <= set(POSSIBLE[state])
    assert move not in refused.possible


#: the domain's loop (lifecycle.tsv), edge by edge
LIFECYCLE = """
reported>registered,merged,rejected registered>dispatched,grid_handling,direct_answered,merged
registered>rejected direct_answered>closed rejected>closed
dispatched>signed,return_requested,whistle return_requested>registered,dispatched
signed>handling,return_requested,extension_requested grid_handling>done,whistle,escalated
whistle>responded responded>handling handling>done,extension_requested,suspended,escalated
handling>transferred extension_requested>handling,extended extended>handling,done
suspended>handling,done transferred>dispatched escalated>dispatched,handling done>verified,rework
verified>followed_up,rework rework>handling followed_up>closed,rework closed>reopened
reopened>dispatched
"""
#: edges beyond it, with the reason
BEYOND = {
    ("merged", "registered"),         # a merge undone
    ("reported", "dispatched"),       # the desk accepts and dispatches at once
    ("dispatched", "merged"),         # a double of an automatic case
    ("dispatched", "grid_handling"),  # the grid takes what was sent out
    ("transferred", "signed"),        # the new unit signs at once
    ("return_requested", "signed"),   # a refused return leads back to where it came from
    ("extended", "suspended"),        # an extended case may have to wait as well
}  # fmt: skip


def test_covers_the_domains_loop() -> None:
    wanted = {
        (frm, to)
        for edge in LIFECYCLE.split()
        for frm, all_to in [edge.split(">")]
        for to in all_to.split(",")
    }
    have = {
        (frm, to)
        for row in MOVES
        if row.when != "device_health"
        for frm in row.frm
        for to in targets(row)
        if {frm, to} <= set(CASE_STATES)
    }
    assert wanted <= have
    assert have - wanted == BEYOND


#: the domain's loop of disputes (dispute_lifecycle.tsv), edge by edge
DISPUTES = """
found>triaged triaged>mediating mediating>agreement,failed agreement>performed,breached
failed>referred performed>closed breached>mediating,referred referred>closed
"""
BEYOND_DISPUTES = {
    ("mediating", "mediating"),  # another try at the same level
    ("mediating", "triaged"),    # the level above takes it
    ("performed", "breached"),   # it was taken back within the thirty days
}  # fmt: skip


def test_covers_the_domains_loop_of_disputes() -> None:
    wanted = {
        (frm, to)
        for edge in DISPUTES.split()
        for frm, all_to in [edge.split(">")]
        for to in all_to.split(",")
    }
    own = set(DISPUTE_STATES)
    have = {(f, to) for r in MOVES for f in r.frm for to in targets(r) if {f, to} <= own}
    have |= {(f, "closed") for r in MOVES for f in r.frm if f in own and r.to == "closed"}
    assert wanted <= have
    assert have - wanted == BEYOND_DISPUTES


def test_diagrams_of_the_other_loops() -> None:
    disputes = state_diagram(DISPUTE_STATES).splitlines()
    assert "    mediating --> triaged : 调解未成" in disputes
    assert "    handling --> triaged : 转调处" in disputes
    assert "    pushed --> checked : 核查线索" in state_diagram(LEAD_STATES).splitlines()
    assert not any("mediating" in line for line in state_diagram().splitlines())


def test_every_state_is_reached_and_left() -> None:
    reached = {to for row in MOVES for to in targets(row)}
    assert reached == set(STATES)
    left = {frm for row in MOVES if targets(row) for frm in row.frm}
    assert left == set(STATES)
    assert set(OPEN) | set(FINAL) == set(get_args(State))
    assert {row.on for row in MOVES} | OF_NO_CASE == set(get_args(Move)) == set(MOVE_NAMES)
    by_row = {c for row in MOVES for c in row.start}
    assert set(CLOCKS) == by_row | {"acknowledge"} == set(get_args(Clock))  # emergencies start it
    assert set(ALL) == set(CLOCKS)


def test_diagram() -> None:
    lines = state_diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> dispatched : 上报" in lines
    assert "    followed_up --> closed : 结案" in lines
    assert "    closed --> reopened : 重开" in lines
    assert len(lines) == len(set(lines))


def refused(case: Case | None, one: Command, now: Any = NOW) -> Refusal:
    applied = apply(case, one, RULES, now)
    assert isinstance(applied, Refusal), applied
    return applied


NOTE = next(r for r in MOVES if r.on == "note")
SIGN = next(r for r in MOVES if r.on == "sign")


def test_an_unknown_case() -> None:
    one = command(case_in("dispatched"), NOTE, "operator")
    assert refused(None, one).code == "unknown_case"


def test_a_report_with_a_broken_number() -> None:
    one = opening(report()).model_copy(update={"case_no": "nonsense"})
    assert "nonsense" in refused(None, one).detail


def test_an_action_from_the_future() -> None:
    case = case_in("dispatched")
    one = command(case, NOTE, "operator", at=NOW + timedelta(minutes=5, seconds=1))
    assert refused(case, one).code == "future_action"
    slightly = one.model_copy(update={"at": NOW + timedelta(minutes=5)})
    applied = apply(case, slightly, RULES, NOW)
    assert isinstance(applied, Change)
    assert applied.at == NOW  # never stamped ahead of the writer


def test_an_action_dated_before_the_last_change() -> None:
    case = case_in("dispatched").model_copy(update={"updated_at": NOW})
    applied = apply(case, command(case, NOTE, "operator", at=START), RULES, NOW)
    assert isinstance(applied, Change)
    assert applied.at == NOW


@pytest.mark.parametrize(
    ("area", "allowed"),
    [("", True), ("9901", True), ("990101001", True), (GRID, True), ("990102", False),
     (GRID[:-1] + "8", False)],
)  # fmt: skip
def test_a_case_of_another_area(area: str, allowed: bool) -> None:
    case = case_in("dispatched")
    actor = Actor(role="operator", area=area)
    applied = apply(case, command(case, NOTE, "operator", actor=actor), RULES, NOW)
    assert isinstance(applied, Change) == allowed
    if isinstance(applied, Refusal):
        assert applied.code == "not_allowed"


def test_a_case_of_another_unit() -> None:
    case = case_in("dispatched")
    for other in (HOUSING, Actor(role="unit")):
        assert refused(
            case.model_copy(update={"whistled": ()}), command(case, SIGN, "unit", actor=other)
        ).code == "not_allowed"  # fmt: skip


def test_two_operators_at_once() -> None:
    case = case_in("dispatched")
    stale = refused(case, command(case, SIGN, "unit", expected_version=6))
    assert stale.code == "stale_version"
    assert "第 7 版" in stale.detail
    assert isinstance(
        apply(case, command(case, SIGN, "unit", expected_version=7), RULES, NOW), Change
    )


@pytest.mark.parametrize("move", ["dispatch", "transfer", "whistle", "escalate", "handle_in_grid"])
def test_a_unit_that_does_not_exist(move: Move) -> None:
    row = next(r for r in MOVES if r.on == move)
    case = case_in(row.frm[0])
    one = refused(case, command(case, row, "operator", unit="gone-1", reason="x"))
    assert (one.code, "gone-1" in one.detail) == ("field_missing", True)


def test_a_class_that_does_not_exist() -> None:
    row = next(r for r in MOVES if r.on == "register")
    case = case_in("reported")
    assert "999999" in refused(case, command(case, row, "operator", class_code="999999")).detail


@pytest.mark.parametrize("move", ["suspend", "request_extension"])
def test_a_time_that_has_passed(move: Move) -> None:
    row = next(r for r in MOVES if r.on == move)
    case = case_in("handling")
    one = command(case, row, row.who[0], review_at=NOW)
    assert "review_at" in refused(case, one).detail


def test_merged_into_itself() -> None:
    row = next(r for r in MOVES if r.on == "merge")
    case = case_in("registered")
    one = command(case, row, "operator", merged_into=case.case_no)
    assert refused(case, one).code == "impossible_move"


@pytest.mark.parametrize("world", [{"test": True}, {"simulated": True}])
@pytest.mark.parametrize("move", ["attach", "clear", "report"])
def test_exercises_and_real_ones_never_meet(world: dict[str, bool], move: Move) -> None:
    case = case_in("dispatched")
    one = opening(report(2, NOW, **world), NOW).model_copy(update={"move": move})
    assert refused(case, one).code == "impossible_move"
    other = case.model_copy(update=world)
    real = opening(report(2, NOW), NOW).model_copy(update={"move": move})
    assert refused(other, real).code == "impossible_move"
