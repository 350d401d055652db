"""Simulated units: every command is one the engine takes, every case ends, real ones stay."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest

from ops.simulator.city import City
from ops.simulator.handling import Worklist
from ops.simulator.incident import Incident, source_id
from ops.simulator.offices import Offices
from ops.simulator.patience import PACE
from ops.simulator.units import next_step
from schemas.case import Actor, Case, Change, Command
from schemas.ids import SHANGHAI, command_id
from schemas.profile_files import load_profile
from schemas.raw import RAW_MODELS
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.deadlines import overdue_command, wakeups
from streams.core.decide import Decider, Position
from streams.core.reading import Invalid
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.intake import command_of

SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=SHANGHAI)
CASES = 500


class World(NamedTuple):
    city: City
    rules: Rules
    offices: Offices
    decider: Decider


class Life(NamedTuple):
    changes: list[Change]
    commands: list[Command]

    @property
    def end(self) -> Case:
        return self.changes[-1].case

    @property
    def minutes(self) -> float:
        return (self.end.updated_at - self.end.opened_at) / timedelta(minutes=1)

    @property
    def moves(self) -> list[str]:
        return [command.move for command in self.commands]

    @property
    def stages(self) -> set[str]:
        return {c.stage for c in self.changes if c.stage}


@pytest.fixture(scope="module")
def world() -> World:
    profile = load_profile("qinglan")
    rules = Rules(profile, load_workdays(profile))
    return World(City(profile, 7), rules, Offices(profile), Decider(profile))


def opened(world: World, incident: Incident, at: datetime) -> Command | None:
    """What intake would send for the incident's first report, had it come in at ``at``."""
    said = incident.said[0]
    body = {
        "id": source_id("t", incident, 0), "source": "simulator", "channel": said.channel,
        "occurred_at": at.isoformat(), "simulated": True, **said.body,
    }  # fmt: skip
    raw = RAW_MODELS[said.topic].model_validate(body)
    place = Position(said.topic, 0, 0, 0, int(at.timestamp() * 1000))
    events = world.decider.decide(raw, place)
    assert not isinstance(events, Invalid), events
    first = events[0]
    return command_of(first) if first.disposition in ("case", "triage") else None


def misjudged(world: World, command: Command, number: int) -> Command:
    """Every fifth text unsure, every fifth with a wrong class and the unit of that."""
    report = command.report
    assert report is not None
    if report.event_code or number % 5 > 1:
        return command
    update: dict[str, object] = {"confidence": 0.0}
    if number % 5:
        codes = list(world.rules.profile.taxonomy)
        place = begin(world, command).case
        code = codes[number * 7 % len(codes)]
        unit = world.offices.unit_for(code, place, command.at)
        update = {"class_code": code, "confidence": 0.9, "unit": unit}
    return command.model_copy(update={"report": report.model_copy(update=update)})


@pytest.fixture(scope="module")
def openings(world: World) -> list[tuple[Command, str]]:
    """Commands that open cases, with the true class of each. Half on a Sunday, half on a Monday;
    many alarms of devices, so that every story comes up; texts misjudged in all ways there are,
    however good the classifier is."""
    past = [i for d in (20, 21) for i in world.city.incidents(SUNDAY.date().replace(day=d))]
    alarms = [i for i in past if i.kind != "report"]
    people = [i for i in past if i.kind == "report"]
    rng = Random(3)
    rng.shuffle(people)
    found: list[tuple[Command, str]] = []
    for number, incident in enumerate(alarms[:300] + people):
        start = SUNDAY if number % 2 else MONDAY
        command = opened(world, incident, start + timedelta(seconds=number))
        if command is not None:
            found.append((misjudged(world, command, number), incident.class_code))
        if len(found) == CASES:
            break
    assert len(found) == CASES
    return found


@pytest.fixture(scope="module")
def lives(world: World, openings: list[tuple[Command, str]]) -> list[Life]:
    return [live(world, command) for command, _ in openings]


def begin(world: World, command: Command) -> Change:
    change = apply(None, command, world.rules, command.at)
    assert isinstance(change, Change), change
    return change


def live(world: World, command: Command) -> Life:
    """A case to its end on a fake clock: the timer shows lights, the units do their moves."""
    change = begin(world, command)
    now, since = command.at, change.at
    life = Life([change], [])
    while (step := next_step(change.case, since, now, world.offices)) is not None:
        lights = wakeups(change.case)
        if lights and lights[0].at <= step[0]:
            now = max(now, lights[0].at)
            sent = overdue_command(change.case.case_no, lights[0], now)
        else:
            now, sent = step
            since = now
            life.commands.append(sent)
        assert sent.at <= now
        result = apply(change.case, sent, world.rules, now)
        assert isinstance(result, Change), (change.case.state, sent, result)
        change = result
        life.changes.append(change)
        assert len(life.changes) < 100, life.moves
    return life


def test_every_command_is_taken_and_every_case_is_closed(lives: list[Life]) -> None:
    assert {life.end.state for life in lives} == {"closed"}
    ids = [c.command_id for life in lives for c in life.commands]
    assert len(ids) == len(set(ids))


def test_the_whole_loop_is_seen(lives: list[Life]) -> None:
    moves = Counter(move for life in lives for move in set(life.moves))
    assert set(moves) >= {
        "acknowledge", "register", "dispatch", "sign", "contact", "handle", "finish", "verify",
        "follow_up", "close", "request_return", "grant_return", "refuse_return", "whistle",
        "respond", "request_extension", "grant_extension", "refuse_extension", "send_back",
        "answer",
    }  # fmt: skip
    assert moves["acknowledge"] == CASES
    scores = Counter(life.end.satisfaction for life in lives)
    assert scores[5] > scores[3] > 0
    assert any(life.end.resolved is False for life in lives)


def test_a_visitor_sees_cases_closed_within_minutes(lives: list[Life]) -> None:
    times = sorted(life.minutes for life in lives)
    assert 3 < times[len(times) // 2] < 15
    signs = sorted(
        (change.at - change.case.opened_at).total_seconds()
        for life in lives
        for change in life.changes
        if change.move == "sign" and life.moves[:2] == ["acknowledge", "sign"]
    )
    assert 20 < signs[len(signs) // 2] < 150


def test_a_share_is_left_until_lights_show_at_their_real_times(lives: list[Life]) -> None:
    """The engine shows a light no earlier than its rule says; here some units wait for it."""
    urgent = [life for life in lives if life.changes[0].case.grade <= 2]
    red = sum("red" in life.stages for life in urgent) / len(urgent)
    yellow = sum("yellow" in life.stages for life in urgent) / len(urgent)
    assert 0.05 < red < 0.3
    assert 0.05 < yellow < 0.5
    assert sum(not life.stages for life in lives) / len(lives) > 0.6
    soon = [c for life in urgent for c in life.changes if c.stage == "red"]
    assert min(c.at - c.case.opened_at for c in soon) >= timedelta(minutes=3)


def test_emergencies_are_quicker(lives: list[Life]) -> None:
    def middle(found: list[Life]) -> float:
        return sorted(life.minutes for life in found)[len(found) // 2]

    urgent = [life for life in lives if life.changes[0].case.emergency]
    assert len(urgent) >= 10
    assert middle(urgent) < middle(lives) / 2


def test_a_misjudged_case_comes_back_and_goes_to_the_right_unit(
    world: World, lives: list[Life], openings: list[tuple[Command, str]]
) -> None:
    returned = [
        (life, true) for life, (_, true) in zip(lives, openings, strict=True)
        if "grant_return" in life.moves
    ]  # fmt: skip
    assert len(returned) > 10
    for life, true in returned:
        dispatch = next(c for c in life.commands if c.move == "dispatch")
        assert dispatch.unit != life.changes[0].case.unit
        if life.end.class_code == true:
            assert dispatch.unit == world.offices.unit_for(true, life.end, dispatch.at)
    assert sum(life.end.class_code == true for life, true in returned) > 0.85 * len(returned)


def test_the_desk_gives_the_true_class(
    lives: list[Life], openings: list[tuple[Command, str]]
) -> None:
    """Whatever the classifier said of a report that came to the desk, people know better."""
    judged = [
        (life.end.class_code, true)
        for life, (_, true) in zip(lives, openings, strict=True)
        if life.changes[0].case.state == "reported" and not life.end.event_code
    ]
    assert len(judged) > 10
    assert sum(given == true for given, true in judged) / len(judged) > 0.85


def test_what_is_acknowledged_is_an_alert_that_went_out(world: World, lives: list[Life]) -> None:
    for life in lives:
        told = {alert.alert_id for alert in alerts_for(life.changes[0], world.rules)}
        assert life.commands[0].alert_id in told


def test_actors_say_who_they_are(lives: list[Life]) -> None:
    for life in lives:
        for command in life.commands:
            assert command.actor.id == "simulator"
            assert command.actor.role in ("unit", "operator")
            assert command.actor.unit


def test_the_same_case_is_always_treated_alike(
    world: World, openings: list[tuple[Command, str]], lives: list[Life]
) -> None:
    for (command, _), life in list(zip(openings, lives, strict=True))[:40]:
        assert live(world, command).commands == life.commands


def test_a_real_case_is_never_touched(
    world: World, openings: list[tuple[Command, str]], lives: list[Life]
) -> None:
    worklist = Worklist(world.offices)
    late = MONDAY + timedelta(days=400)
    for life in lives[:60]:
        for change in life.changes:
            real = change.case.model_copy(update={"simulated": False})
            assert next_step(real, change.at, change.at, world.offices) is None
            worklist.put(change.model_copy(update={"case": real}), 0, change.at)
    assert len(worklist) == 0
    assert worklist.due(late) == []


def test_pace_changes_work_and_not_lights(
    world: World, openings: list[tuple[Command, str]]
) -> None:
    waits: dict[float, timedelta] = {}
    for pace in (PACE, PACE * 10):
        waits[pace] = sum(
            (
                step[0] - change.at
                for command, _ in openings[:100]
                if (change := begin(world, command))
                and (step := next_step(change.case, change.at, change.at, world.offices, pace))
                and step[0] < min(d.yellow_at for d in change.case.deadlines)
            ),
            timedelta(),
        )
    assert waits[PACE * 10] * 5 < waits[PACE]


def test_what_a_visitor_does_to_a_simulated_case_is_carried_on(
    world: World, openings: list[tuple[Command, str]]
) -> None:
    """Moves the units never make themselves lead on to the end all the same."""
    visitor = Actor(role="supervisor", id="visitor", unit="desk-9901")
    change = next(
        c for command, _ in openings
        if (c := begin(world, command)).case.state == "dispatched" and c.case.grade == 3
    )  # fmt: skip
    now = change.at

    def does(move: str, **fields: object) -> None:
        nonlocal change, now
        now += timedelta(seconds=10)
        sent = Command.model_validate({
            "command_id": command_id(str(now), move), "case_no": change.case.case_no,
            "move": move, "at": now, "actor": visitor, **fields,
        })  # fmt: skip
        result = apply(change.case, sent, world.rules, now)
        assert isinstance(result, Change), result
        change = result

    def carried_to(*states: str) -> list[str]:
        nonlocal change, now
        moves: list[str] = []
        while change.case.state not in states:
            step = next_step(change.case, change.at, now, world.offices)
            assert step is not None
            now = step[0]
            result = apply(change.case, step[1], world.rules, now)
            assert isinstance(result, Change), result
            change = result
            moves.append(change.move)
        return moves

    carried_to("handling")
    again = now + timedelta(hours=3)
    does("suspend", reason="等材料", review_at=again)
    assert carried_to("handling") == ["resume"]
    assert now >= again
    does("escalate", reason="需上级协调")
    carried_to("handling")
    does("transfer", reason="职责调整", unit="desk-9901")
    assert carried_to("closed")[0] == "sign"
    does("reopen", reason="诉求人再次反映")
    assert carried_to("closed")[0] == "dispatch"
