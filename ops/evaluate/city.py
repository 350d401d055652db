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
from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.raw import RAW_MODELS, epoch_ms
from streams.core.cases import apply
from streams.core.decide import Decider, Position
from streams.core.incidents import OpenCases
from streams.core.matter import MERGE, SUGGEST, Reported, same_matter
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
    table = Table(
        "地点 location", ("located by", "events", "grid right", "village right", "grid named")
    )
    table.note = "baseline: what the report's own area code says"
    texts = [h for h in happened if not h.event.device_id and h.incident.grid]
    groups: dict[str, list[Happened]] = defaultdict(list)
    for h in texts:
        groups[h.event.located_by or "nothing"].append(h)
    for by, those in sorted(groups.items()):
        table.add(by, len(those), *_right(those))
    table.add("all texts", len(texts), *_right(texts))
    coded = [h for h in texts if h.event.located_by == "area_code"]
    share = sum(h.event.grid == h.incident.grid for h in coded) / max(len(texts), 1)
    table.add("baseline: area codes only", len(texts), share, "", "")
    return table


def _right(those: list[Happened]) -> tuple[float, float, float]:
    count = max(len(those), 1)
    grid = sum(h.event.grid == h.incident.grid for h in those)
    village = sum(h.event.village == h.incident.grid[:12] for h in those)
    return grid / count, village / count, sum(bool(h.event.grid) for h in those) / count


def merging(profile: Profile, happened: list[Happened]) -> Table:
    table = Table("同一事项 merging and fusion", ("kind", "by", "events", "recall", "precision"))
    table.note = "pairs of events; a false alarm's events belong together too"
    opening = [h for h in happened if h.event.disposition in ("case", "triage")]
    merged = _merged(profile, opening)
    keyed = {h.event.event_id: f"{h.event.class_code}/{h.event.grid}" for h in opening}
    kinds = ["", *(kind for kind, _ in Counter(h.incident.kind for h in opening).most_common(6))]
    for kind in kinds:
        those = [h for h in opening if kind in ("", h.incident.kind)]
        for by, groups in (("as shipped", merged), ("baseline: class and grid", keyed)):
            true = _grouped({h.event.event_id: h.incident.incident_id for h in those})
            said = _grouped({h.event.event_id: groups[h.event.event_id] for h in those})
            both = len(true & said)
            recall = both / len(true) if true else 1.0
            table.add(kind or "all", by, len(those), recall, both / len(said) if said else 1.0)
    return table


def matters(profile: Profile, happened: list[Happened]) -> Table:
    """Pairs of people's reports of a village, scored by ``streams.core.matter``."""
    table = Table("同一诉求 same matter (people's reports)", ("score from", "recall", "precision"))
    told = [h for h in happened if not h.event.device_id and h.event.case_no]
    true = _grouped({h.event.event_id: h.incident.incident_id for h in told})
    villages: dict[str, list[tuple[str, Reported]]] = defaultdict(list)
    for h in told:
        villages[h.event.village].append((h.event.event_id, _reported(h.event, profile)))
    scored: list[tuple[float, bool]] = []
    for members in villages.values():
        for n, (one, first) in enumerate(members):
            for other, second in members[n + 1 :]:
                score = same_matter(first, second).score
                pair = (one, other) if one < other else (other, one)
                scored.append((score, pair in true))
    for bar in (0.4, SUGGEST, 0.7, MERGE, 0.9):
        found = [same for score, same in scored if score >= bar]
        share = sum(found) / len(found) if found else 1.0
        table.add(f"{bar:.2f}", sum(found) / max(len(true), 1), share)
    table.note = f"{len(true)} pairs of one incident; merge from {MERGE}, suggest from {SUGGEST}"
    return table


def _reported(event: Event, profile: Profile) -> Reported:
    building = profile.places.get(event.building)
    areas = (event.county, event.town, event.village)
    names = [profile.areas[code].name for code in areas if code in profile.areas]
    return Reported(
        event.ingest_ms, event.class_code, event.top3, event.grid, event.building,
        event.lon or None, event.lat or None, event.text,
        "".join([*names, building.name if building else ""]),
    )  # fmt: skip


def _grouped(group_of: dict[str, str]) -> set[tuple[str, str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for event_id, group in group_of.items():
        groups[group].append(event_id)
    return pairs_of(groups.values())


def _merged(profile: Profile, opening: list[Happened]) -> dict[str, str]:
    """Event id → number of the case it opened or joined, cases staying open all day."""
    rules, cases = Rules(profile, load_workdays(profile)), OpenCases()
    by_number: dict[str, Case] = {}
    found: dict[str, str] = {}
    for h in opening:
        command = command_of(h.event)
        assert command.report is not None
        number = cases.match(command.report, h.event.village) or command.case_no
        applied = apply(
            by_number.get(number), command.model_copy(update={"case_no": number}), rules, command.at
        )
        found[h.event.event_id] = number
        case = getattr(applied, "case", None)
        if isinstance(case, Case):
            by_number[number] = case
            cases.put(case)
    return found
