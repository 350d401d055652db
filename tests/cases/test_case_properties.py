"""What holds for every case whatever happens to it, in whatever order, however often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.case import Case, Change, Command, Move, Refusal
from schemas.ids import change_id
from streams.core.cases import apply
from streams.core.deadlines import light, overdue_command, planned, wakeups
from streams.core.moves import FINAL
from tests.cases.small_city import ACTORS, HOUSING, RULES, START, TRIAGE, opening, report

MOVES_OF_PEOPLE = [m for m in get_args(Move) if m not in ("report", "overdue")]
UNITS = ["fire-990101001", "housing-990101", "estate-007"]


class Step:
    """One thing that happens: minutes pass, then somebody or a timer tries something."""

    def __init__(self, data: tuple[Any, ...]) -> None:
        self.minutes, self.kind, self.move, self.role, self.pick, self.flag = data

    def __repr__(self) -> str:
        return f"+{self.minutes} {self.kind} {self.move} {self.role} {self.pick} {self.flag}"


steps = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.sampled_from(["timer", "timer", "guided", "guided", "guided", "wild", "again"]),
        st.sampled_from(MOVES_OF_PEOPLE),
        st.sampled_from(list(ACTORS)),
        st.integers(0, 1000),
        st.booleans(),
    ).map(Step),
    min_size=1,
    max_size=40,
)


class World:
    """A case, all commands ever sent to it, and the checks that every change must pass."""

    def __init__(self, routed: bool) -> None:
        self.now = START
        self.changes: list[Change] = []
        self.sent: list[tuple[Command, datetime]] = []
        self.fired: list[tuple[str, int, str]] = []
        self.case: Case | None = None
        self.send(opening(report() if routed else report(**TRIAGE)))

    def send(self, command: Command) -> None:
        before = self.case
        applied = apply(before, command, RULES, self.now, len(self.sent))
        assert applied == apply(before, command, RULES, self.now, len(self.sent))  # deterministic
        self.sent.append((command, self.now))
        if isinstance(applied, Change):
            self.check(before, applied)
            self.changes.append(applied)
            self.case = applied.case
            twice = apply(applied.case, command, RULES, self.now)
            assert not isinstance(twice, Change), "doing it twice must change nothing"

    def check(self, before: Case | None, change: Change) -> None:
        case = change.case
        assert case.version == (before.version if before else 0) + 1
        assert change.change_id == change_id(case.case_no, case.version)
        assert case.light == light(case.deadlines)
        assert len({d.clock for d in case.deadlines}) == len(case.deadlines)
        assert case.state not in FINAL or not case.deadlines
        assert change.at <= self.now or (before and change.at == before.updated_at)
        assert before is None or change.at >= before.updated_at
        for one in case.deadlines:
            assert one.yellow_at <= one.due
            assert one.started_at <= one.due
        if before and before.state in FINAL:
            assert change.move in ("reopen", "acknowledge", "unmerge")
            assert change.move != "acknowledge" or case.state == before.state
        if change.move == "overdue":
            self.check_light(before, change)

    def check_light(self, before: Case | None, change: Change) -> None:
        assert before is not None
        assert change.stage is not None
        (old,) = [d for d in before.deadlines if d.clock == change.clock]
        when = planned(old, change.stage)
        assert when is not None
        assert when <= self.now, "never early"
        assert old.paused_at is None
        late = (self.now - when).total_seconds()
        assert change.late_seconds == (int(late) if late > 60 else 0)
        light_id = (old.clock, old.version, change.stage)
        assert light_id not in self.fired, "each light once"
        self.fired.append(light_id)
        others = [d for d in before.deadlines if d.clock != change.clock]
        assert [d for d in change.case.deadlines if d.clock != change.clock] == others

    def step(self, step: Step) -> None:
        self.now += timedelta(minutes=step.minutes)
        assert self.case is not None
        if step.kind == "again":
            self.send(self.sent[step.pick % len(self.sent)][0])
        elif step.kind == "timer":
            for wakeup in wakeups(self.case)[: 1 + step.pick % 3]:
                self.send(overdue_command(self.case.case_no, wakeup, self.now))
        else:
            self.send(self.command(step))

    def command(self, step: Step) -> Command:
        assert self.case is not None
        actor = ACTORS[step.role]
        move = step.move
        if step.kind == "guided":  # something the state allows, by somebody who may
            from streams.core.moves import MOVES, POSSIBLE

            moves = [m for m in POSSIBLE[self.case.state] if m not in ("note", "clear")]
            move = moves[step.pick % len(moves)]
            row = next(r for r in MOVES if r.on == move and self.case.state in r.frm)
            actor = ACTORS[row.who[step.pick % len(row.who)]]
            if actor.role == "unit":
                unit = self.case.unit if move != "respond" else (*self.case.whistled, "x")[0]
                actor = HOUSING.model_copy(update={"unit": unit, "area": ""})
        number = len(self.sent)
        return Command(
            command_id=f"c{number}",
            case_no=self.case.case_no,
            move=move,
            at=self.now - timedelta(minutes=step.pick % 7 * step.flag),
            actor=actor,
            reason="理由" if step.flag or step.kind == "guided" else "",
            unit=UNITS[step.pick % 3],
            report=report(number, self.now, grade=1 + step.pick % 4, emergency=step.pick % 9 == 0),
            review_at=self.now + timedelta(days=step.pick % 30 + 1),
            alert_id=f"a{step.pick}",
            merged_into="20260311-990101001001-AAAAAA",
            distinct_from=f"20260311-990101001001-{'ABC'[step.pick % 3] * 6}",
            resolved=step.flag,
        )


@settings(max_examples=150, deadline=None)
@given(steps, st.booleans())
def test_whatever_happens(all_steps: list[Step], routed: bool) -> None:
    world = World(routed)
    for step in all_steps:
        world.step(step)
    assert [c.case.version for c in world.changes] == list(range(1, len(world.changes) + 1))
    recovered = recover(world.changes)
    assert recovered == world.case
    for wakeup in wakeups(recovered):  # and goes on just the same
        command = overdue_command(recovered.case_no, wakeup, wakeup.at)
        assert apply(recovered, command, RULES, wakeup.at) == apply(
            world.case, command, RULES, wakeup.at
        )


def recover(changes: list[Change]) -> Case:
    """The case as its topic gives it back."""
    body = changes[-1].model_dump_json(exclude_defaults=True)
    return Change.model_validate_json(body).case


@settings(max_examples=80, deadline=None)
@given(steps, st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=40))
def test_duplicates_in_any_order_change_nothing(
    all_steps: list[Step], again: list[tuple[int, int]]
) -> None:
    """The same commands with any of them repeated at any later time end in the same case."""
    world = World(True)
    for step in all_steps:
        world.step(step)
    commands = list(world.sent)
    done = {c.command_offset for c in world.changes}
    repeats: dict[int, list[Command]] = {}
    for which, after in again:
        first = which % len(commands)
        if first in done:  # what was refused may be tried again
            repeats.setdefault(min(first + after, len(commands) - 1), []).append(commands[first][0])
    case: Case | None = None
    for n, (command, now) in enumerate(commands):
        applied = apply(case, command, RULES, now)
        case = applied.case if isinstance(applied, Change) else case
        for repeat in repeats.get(n, ()):
            assert not isinstance(apply(case, repeat, RULES, now), Change)
    assert case == world.case


@given(st.permutations(range(9)), st.integers(0, 400))
def test_lights_in_any_order(order: list[int], minutes: int) -> None:
    """However timers' commands arrive, late, twice or mixed up: each light once, never early."""
    world = World(True)
    first = wakeups(world.case)
    commands = []
    for wakeup in first:
        for stage in ("yellow", "red", "escalate"):
            moved = wakeup._replace(stage=stage)
            commands.append(overdue_command(world.case.case_no, moved, START))
    world.now = START + timedelta(minutes=minutes)
    for n in (*order, *order):
        world.send(commands[n])
    assert len(world.fired) == len(set(world.fired))
    for one in world.case.deadlines:
        assert ("red" in one.fired) == (world.now >= one.due)
        assert ("yellow" in one.fired) == (world.now >= one.yellow_at)
        escalates = one.escalate_at is not None and world.now >= one.escalate_at
        assert ("escalate" in one.fired) <= escalates
    settled = [w for w in wakeups(world.case) if w.at <= world.now]
    assert {w.stage for w in settled} <= {"escalate"}  # those came before their red did


def test_refusals_leave_no_trace() -> None:
    world = World(True)
    command = Command(
        command_id="x", case_no=world.case.case_no, move="close", at=START, actor=ACTORS["operator"]
    )
    assert isinstance(apply(world.case, command, RULES, START), Refusal)
    before = world.case
    world.send(command)
    assert world.case is before
