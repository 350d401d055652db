"""Device alarms on the simulator's ground truth: a week of a city's devices by the alarm rules.

Beside the week's own incidents there are power cuts, fires and announced repairs. Cases are closed
eight hours after they were opened. Baselines: every raise is a case; reports of one matter are
joined and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from ops.evaluate.figures import Table, hits, pairs_of
from ops.simulator.city import City
from ops.simulator.incident import SOURCE, Incident, Said, source_id
from ops.simulator.stories import ALARM, component
from schemas.alarm import Verdict
from schemas.alarm_rules import Maintenance
from schemas.case import Case, Change, Command
from schemas.event import Event
from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.raw import RAW_MODELS, Signal
from streams.core.alarm_tables import AlarmTables
from streams.core.alarmbook import AlarmBook
from streams.core.cases import aimed, apply
from streams.core.decide import Decider, Position
from streams.core.incidents import OpenCases
from streams.core.moves import OPEN
from streams.core.ngrams import Model
from streams.core.reading import Invalid
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.intake import command_of

FIRST, DAYS, SEED = date(2026, 11, 16), 7, 7
CLOSED_AFTER = timedelta(hours=8)
CUTS, FIRES, REPAIRS = 3, 2, 4  # a day, beside those that come by themselves
NOISE = frozenset({"fault_blip", "repair"})
EVENING = range(17, 24)
SUPPRESSED = frozenset({"blip", "maintenance"})


class Raised(NamedTuple):
    at: datetime
    incident: Incident
    event: Event
    command: Command


def week(profile: Profile, model: Model) -> tuple[Profile, list[Raised]]:
    """Every raise and all-clear of the week in order of time, and the profile with its repairs."""
    city = City(profile, SEED)
    incidents: list[tuple[date, Incident]] = []
    windows: list[Maintenance] = []
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        incidents += [(day, i) for i in city.incidents(day) if i.kind != "report"]
        rng = Random(f"{SEED}|{day}")
        for kind, count in (("power_cut", CUTS), ("fire", FIRES)):
            for number in range(count):
                at = _at(day, rng.uniform(8, 22) * 3600)
                made = city.burst(kind, at, number)
                incidents += [(day, made)] if made else []
        for number in range(REPAIRS):
            repair, window = _repair(city, day, number, rng)
            incidents.append((day, repair))
            windows.append(window)
    profile = dataclasses.replace(profile, maintenance=tuple(windows))
    decider = Decider(profile, model)
    found: list[Raised] = []
    for day, incident in incidents:
        for number, said in enumerate(incident.said):
            found += _decided(decider, day, incident, number, said)
    return profile, sorted(found, key=lambda r: (r.at, r.event.event_id))


def _decided(
    decider: Decider, day: date, incident: Incident, number: int, said: Said
) -> list[Raised]:
    model = RAW_MODELS[said.topic]
    if not issubclass(model, Signal):
        return []
    at = _at(day, said.second)
    body = {"id": source_id("evaluation", incident, number), "source": SOURCE,
            "channel": said.channel, "simulated": True, "occurred_at": at, **said.body}  # fmt: skip
    ms = int(at.timestamp() * 1000)
    events = decider.decide(model.model_validate(body), Position(said.topic, 0, 0, 0, ms))
    if isinstance(events, Invalid):
        return []
    return [
        Raised(at, incident, e, command_of(e))
        for e in events
        if e.disposition in ("case", "triage", "clear")
    ]


def _repair(city: City, day: date, number: int, rng: Random) -> tuple[Incident, Maintenance]:
    """Detectors of a building are tested one after the other; one of them sees the test smoke."""
    zone = rng.choice(city.fleet.zones)
    start = rng.uniform(9, 15) * 3600
    devices = [d for d in city.fleet.in_building(zone[0].building) if d.channel == "fire_iot"]
    said = [
        Said(start + 300 * n + rng.uniform(0, 200), d.channel,
             {"device_id": d.device_id, **component(2)})
        for n, d in enumerate(devices * 2)
    ]  # fmt: skip
    smoke = {"device_id": zone[0].device_id, "part": "component", "status": ALARM,
             "component_type": 42}  # fmt: skip
    said.append(Said(start + 2000, "fire_iot", smoke))
    said.sort(key=lambda s: s.second)
    incident = Incident(
        f"{day:%Y%m%d}-repair-{number}", "repair", False, False, "", zone[0].name, zone[0].grid,
        zone[0].grid, _at(day, start), tuple(said),
    )  # fmt: skip
    window = Maintenance(
        window_id=f"r{day:%d}{number}", scope="building", target=zone[0].building,
        start=_at(day, start - 600), end=_at(day, start + 300 * len(said) + 600), who="estate",
        reason="消防检测",
    )  # fmt: skip
    return incident, window


class Played:
    """The writer of all villages: what became of every raise. ``rules``: with the alarm rules."""

    def __init__(self, profile: Profile, raised: list[Raised], *, rules: bool) -> None:
        self.rules = Rules(profile, load_workdays(profile))
        self.book = AlarmBook(AlarmTables(profile))
        self.open = OpenCases(self.rules.places)
        self.cases: dict[str, Case] = {}
        self.case_of: dict[str, str] = {}  # event → case
        self.verdicts: list[Verdict] = []
        self.told = 0
        self._closing: list[tuple[datetime, str]] = []
        for one in raised:
            self._until(one.at)
            todo = self.book.take(one.command, one.at, self._is_open) if rules else [one.command]
            self._do(todo, one.at)
        self._until(raised[-1].at + timedelta(hours=1))

    def _until(self, now: datetime) -> None:
        while (wake := self.book.states.next_wake()) is not None and wake <= now:
            self._do(self.book.wake(wake, self._is_open), wake)
        while self._closing and self._closing[0][0] <= now:
            _, number = self._closing.pop(0)
            case = self.cases[number]
            over = case.model_copy(update={"state": "closed", "closed_at": now})
            self.cases[number] = over
            self.open.put(over)

    def _do(self, todo: list[Command], now: datetime) -> None:
        reached: dict[str, str] = {}
        for meant in todo:
            command = meant.model_copy(
                update={"case_no": reached.get(meant.case_no, meant.case_no)}
            )
            report = command.report
            if report is not None and command.case_no not in self.cases:
                if command.move == "report":
                    found = self.open.find(report, report.grid[:12], command.case_no)
                    command = aimed(command, found)
                elif number := self.open.of_device(report.device_id):
                    command = command.model_copy(update={"case_no": number})
            reached[meant.case_no] = command.case_no
            applied = apply(self.cases.get(command.case_no), command, self.rules, now)
            if not isinstance(applied, Change):
                continue
            case = applied.case
            if case.case_no not in self.cases:
                self._closing.append((now + CLOSED_AFTER, case.case_no))
            self.cases[case.case_no] = case
            self.open.put(case)
            self.told += bool(applied.tells)
            if report is not None and command.move in ("report", "attach"):
                self.case_of.setdefault(report.event_id, case.case_no)
            self.book.landed(meant, case.case_no)
        for record in self.book.states.records(0):
            self.verdicts += record.verdicts

    def _is_open(self, case_no: str) -> bool:
        return case_no in self.cases and self.cases[case_no].state in OPEN


def alarms(profile: Profile, model: Model) -> list[Table]:
    profile, raised = week(profile, model)
    ours = Played(profile, raised, rules=True)
    plain = Played(profile, raised, rules=False)
    raises = [r for r in raised if r.command.move == "report"]
    return [_load(raises, ours, plain), _right(raised, raises, ours, plain)]


def _load(raises: list[Raised], ours: Played, plain: Played) -> Table:
    table = Table("设备告警 device alarms: cases and words to units", (
        "kind", "incidents", "raises: a case each", "joined by matter", "with alarm rules",
    ))  # fmt: skip
    kinds = ["", "fault_blip", "fault_flapping", "repair", "power_cut", "fire", "door_flapping",
             "ebike", "ebike_habit", "false_smoke"]  # fmt: skip
    for kind in kinds:
        those = [r for r in raises if kind in ("", r.incident.kind)]
        counts = [
            len({p.case_of[r.event.event_id] for r in those if r.event.event_id in p.case_of})
            for p in (plain, ours)
        ]
        table.add(kind or "all", len({r.incident.incident_id for r in those}), len(those), *counts)
    table.add("told units and desks", "", len(raises), plain.told, ours.told)
    table.note = f"{DAYS} days from {FIRST}; a case is closed after 8 h"
    return table


def _right(raised: list[Raised], raises: list[Raised], ours: Played, plain: Played) -> Table:
    table = Table("设备告警 device alarms: right and wrong", ("what", "by", "recall", "precision"))
    # suppression: raises of noise that reach nobody
    noise = [r.incident.kind in NOISE and not r.event.emergency for r in raises]
    kept: dict[str, set[str]] = defaultdict(set)
    for v in ours.verdicts:
        kept[v.event_id].add(v.outcome)
    quiet = [bool(kept[r.event.event_id] & SUPPRESSED) and r.event.event_id not in ours.case_of
             for r in raises]  # fmt: skip
    faults = [r.event.event_code.endswith("fault") for r in raises]
    table.add("suppressed: blips and repairs", "as shipped", *hits(quiet, noise))
    table.add("", "baseline: all faults", *hits(faults, noise))
    # confirmation: incidents with fire alarms whose case says it is real
    fires = {r.incident.incident_id: r.incident.kind == "fire" for r in raises
             if r.event.event_code in ("fire.alarm", "fire.manual_alarm")}  # fmt: skip
    said: Counter[str] = Counter()
    for r in raises:
        number = ours.case_of.get(r.event.event_id, "")
        if number and "confirmed" in ours.cases[number].marks:
            said[r.incident.incident_id] += 1
    table.add("confirmed: fires", "as shipped", *hits([said[i] > 0 for i in fires], fires.values()))
    table.add("", "baseline: every fire alarm", *hits([True] * len(fires), fires.values()))
    # bundling: raises of one power cut in one case, and only those
    cut = [r for r in raises if r.incident.kind == "power_cut"]
    true = pairs_of(_groups({r.event.event_id: r.incident.incident_id for r in cut}))
    for name, played in (("as shipped", ours), ("baseline: joined by matter", plain)):
        cases = {r.event.event_id: played.case_of.get(r.event.event_id, r.event.event_id)
                 for r in raises if r.event.grade > 1}  # fmt: skip
        theirs = {cases[r.event.event_id] for r in cut if r.event.event_id in cases}
        found = pairs_of(_groups({e: c for e, c in cases.items() if c in theirs}))
        both = len(found & true)
        table.add("bundled: power cuts" if played is ours else "", name,
                  both / max(len(true), 1), both / len(found) if found else 1.0)  # fmt: skip
    # patterns: lifts with e-bikes on three evenings
    evenings: dict[str, set[date]] = defaultdict(set)
    for r in raises:
        local = r.at.astimezone(SHANGHAI)
        if r.event.event_code == "lift.ebike_in" and local.hour in EVENING:
            evenings[r.event.device_id].add(local.date())
    told = {v.device_id for v in ours.verdicts if v.rule == "ebike-evenings"}
    table.add(
        "recurring: e-bikes on 3 evenings",
        "as shipped",
        *hits([d in told for d in evenings], [len(e) > 2 for e in evenings.values()]),
    )
    counts = Counter(r.event.device_id for r in raises if r.event.event_code == "lift.ebike_in")
    table.add("", "baseline: three times a week", *hits(
        [counts[d] > 2 for d in evenings], [len(e) > 2 for e in evenings.values()]))  # fmt: skip
    lost = [r for r in raises if r.event.emergency and r.event.event_id not in ours.case_of
            and not kept[r.event.event_id] & {"folded", "flapping"}]  # fmt: skip
    waits = [_waited(r, ours) for r in raises if r.event.emergency]
    table.note = (f"{len(raised)} signals, {len(raises)} raises; emergencies without a case: "
                  f"{len(lost)}; longest wait of an emergency: {max(waits):.0f} s")  # fmt: skip
    return table


def _waited(one: Raised, played: Played) -> float:
    """Seconds from an emergency to its case."""
    case = played.cases.get(played.case_of.get(one.event.event_id, ""))
    if case is None or case.event_ids[0] != one.event.event_id:
        return 0.0
    return max((case.opened_at - one.at).total_seconds(), 0.0)


def _groups(group_of: dict[str, str]) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for event, group in group_of.items():
        groups[group].append(event)
    return list(groups.values())


def _at(day: date, second: float) -> datetime:
    midnight = datetime.combine(day, time(), SHANGHAI)
    return (midnight + timedelta(seconds=second)).astimezone(UTC)
