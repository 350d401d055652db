"""Location and merging on the simulator's ground truth: one day of a city, decided event by event.

The day's calls, alarms and bursts, as they would reach the topics; readings of sensors that open no
case are left out. Location: is the event put into the grid (village) where it happened. Merging: of
every two events, do those of one incident end in one case, and only those.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from ops.evaluate.figures import Table, pairs_of
from ops.simulator.city import City
from ops.simulator.incident import SOURCE, Incident, source_id
from schemas.case import Case
from schemas.event import Event
from schemas.ids import SHANGHAI, village_of
from schemas.profile import Profile
from schemas.raw import RAW_MODELS, epoch_ms
from streams.core.cases import aimed, apply
from streams.core.decide import Decider, Position
from streams.core.incidents import OpenCases
from streams.core.ngrams import Model
from streams.core.reading import Invalid
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.intake import command_of

DAY, SEED = date(2026, 11, 20), 7
_RUN = "evaluation"


class Happened(NamedTuple):
    at_ms: int
    incident: Incident
    event: Event


def day(profile: Profile, model: Model) -> list[Happened]:
    """Every event of the day's incidents, decided, in order of time."""
    decider = Decider(profile, model)
    midnight = epoch_ms(datetime.combine(DAY, time(), SHANGHAI))
    found: list[Happened] = []
    for incident in City(profile, SEED).incidents(DAY):
        for number, said in enumerate(incident.said):
            at_ms = midnight + int(said.second * 1000)
            body = {
                "id": source_id(_RUN, incident, number), "source": SOURCE,
                "channel": said.channel, "simulated": True,
                "occurred_at": datetime.fromtimestamp(at_ms / 1000, UTC), **said.body,
            }  # fmt: skip
            raw = RAW_MODELS[said.topic].model_validate(body)
            decided = decider.decide(raw, Position(said.topic, 0, len(found), 0, at_ms))
            if not isinstance(decided, Invalid):
                found += [Happened(at_ms, incident, event) for event in decided]
    return sorted(found, key=lambda h: h.at_ms)


def location(happened: list[Happened]) -> Table:
    columns = (
        "located by",
        "events",
        "grid right",
        "village right",
        "grid named",
        "right of named",
    )
    table = Table("地点 location", columns)
    table.note = (
        "baseline: what the report's own area code says; a fifth of the simulator's places are "
        "named by street and community only, so their grid is nobody's to know"
    )
    texts = [h for h in happened if not h.event.device_id and h.incident.grid]
    groups: dict[str, list[Happened]] = defaultdict(list)
    for h in texts:
        groups[h.event.located_by or "nothing"].append(h)
    for by, those in sorted(groups.items()):
        table.add(by, len(those), *_right(those))
    table.add("all texts", len(texts), *_right(texts))
    coded = [h for h in texts if h.event.located_by == "area_code"]
    share = sum(h.event.grid == h.incident.grid for h in coded) / max(len(texts), 1)
    table.add("baseline: area codes only", len(texts), share, "", "", "")
    return table


def _right(those: list[Happened]) -> tuple[float, float, float, float]:
    count = max(len(those), 1)
    named = sum(bool(h.event.grid) for h in those)
    grid = sum(h.event.grid == h.incident.grid for h in those)
    village = sum(h.event.village == h.incident.grid[:12] for h in those)
    return grid / count, village / count, named / count, grid / max(named, 1)


def merging(profile: Profile, happened: list[Happened]) -> Table:
    table = Table("同一事项 merging and fusion", ("kind", "by", "events", "recall", "precision"))
    table.note = "pairs of events; a false alarm's events belong together too"
    opening = [h for h in happened if h.event.disposition in ("case", "triage")]
    merged = _merged(profile, opening)
    keyed = {h.event.event_id: f"{h.event.class_code}/{h.event.grid}" for h in opening}
    kinds = ["", *(kind for kind, _ in Counter(h.incident.kind for h in opening).most_common(40))]
    for kind in kinds:
        those = [h for h in opening if kind in ("", h.incident.kind)]
        for by, groups in (("as shipped", merged), ("baseline: class and grid", keyed)):
            true = _grouped({h.event.event_id: h.incident.incident_id for h in those})
            said = _grouped({h.event.event_id: groups[h.event.event_id] for h in those})
            both = len(true & said)
            recall = both / len(true) if true else 1.0
            table.add(kind or "all", by, len(those), recall, both / len(said) if said else 1.0)
    return table


def _grouped(group_of: dict[str, str]) -> set[tuple[str, str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for event_id, group in group_of.items():
        groups[group].append(event_id)
    return pairs_of(groups.values())


def _merged(profile: Profile, opening: list[Happened]) -> dict[str, str]:
    """Event id → number of the case it opened or joined, cases staying open all day."""
    rules = Rules(profile, load_workdays(profile))
    cases = OpenCases(rules.places)
    by_number: dict[str, Case] = {}
    found: dict[str, str] = {}
    for h in opening:
        command = command_of(h.event)
        assert command.report is not None
        village = village_of(command.case_no)
        command = aimed(command, cases.find(command.report, village, command.case_no))
        number = command.case_no
        applied = apply(by_number.get(number), command, rules, command.at)
        found[h.event.event_id] = number
        case = getattr(applied, "case", None)
        if isinstance(case, Case):
            by_number[number] = case
            cases.put(case)
    return found
