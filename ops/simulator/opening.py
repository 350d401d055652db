"""A busy first five minutes, so that a wall that has just been opened is not empty.

They are reports of now, not a made-up yesterday: a case's clocks start with its report, so a
backfilled one would show red before anybody could have handled it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from ops.simulator.city import City
from ops.simulator.incident import Incident
from schemas.ids import SHANGHAI

REPORTS = 110  # of people
FIRST, LAST = 3.0, 300.0  # seconds from now
TIGHT = 240.0  # seconds in which all reports of one incident come
#: device stories and how many of each: one of everything a visitor should see, no flood of e-bikes
ALARMING: tuple[tuple[str, int], ...] = (
    ("ebike", 3), ("false_smoke", 3), ("lift_trapped", 2), ("sos", 2), ("gas_station", 1),
    ("gas_leak", 1), ("manhole_moved", 1), ("falling", 1), ("intrusion", 1), ("density", 1),
    ("lift_out", 1), ("electrical", 1),
)  # fmt: skip


def opening(city: City, now: datetime, speed: float = 1.0) -> list[Incident]:
    """Incidents of a week before, told within the five minutes (real ones) from ``now`` on."""
    local = now.astimezone(SHANGHAI)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    rng = Random(f"{city.seed}-opening-{local.date()}")
    past = [
        incident
        for days in range(1, 8)
        for incident in city.incidents(local.date() - timedelta(days=days))
    ]
    people = [i for i in past if i.kind == "report"]
    alarms = [i for kind, most in ALARMING for i in _some(rng, past, kind, most)]
    chosen = [*rng.sample(people, min(REPORTS, len(people))), *alarms]
    start = (local - midnight).total_seconds()
    return [
        _moved(incident, number, start + rng.uniform(FIRST, LAST) * speed, midnight, speed)
        for number, incident in enumerate(chosen)
    ]


def _some(rng: Random, past: list[Incident], kind: str, most: int) -> list[Incident]:
    found = [incident for incident in past if incident.kind == kind]
    return rng.sample(found, min(most, len(found)))


def _moved(
    incident: Incident, number: int, second: float, midnight: datetime, speed: float
) -> Incident:
    """The same incident on another day at another time, its reports not too far apart."""
    first, last = incident.said[0].second, incident.said[-1].second
    squeeze = min(1.0, TIGHT * speed / (last - first)) if last > first else 1.0
    said = tuple(
        one._replace(second=second + (one.second - first) * squeeze) for one in incident.said
    )
    day = midnight.strftime("%Y%m%d")
    return incident._replace(
        incident_id=f"{day}-{incident.kind}-opening{int(second)}.{number}",
        started_at=midnight + timedelta(seconds=second),
        said=said,
    )
