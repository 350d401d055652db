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
ALARMS = 14
FIRST, LAST = 3.0, 300.0  # seconds from now
TIGHT = 240.0  # seconds in which all reports of one incident come
ALARMING = (
    "ebike", "false_smoke", "lift_trapped", "sos", "gas_station", "manhole_moved", "falling",
    "intrusion", "density", "lift_out", "electrical",
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
    alarms = [i for i in past if i.kind in ALARMING]
    chosen = [
        *rng.sample(people, min(REPORTS, len(people))),
        *rng.sample(alarms, min(ALARMS, len(alarms))),
    ]
    start = (local - midnight).total_seconds()
    return [
        _moved(incident, number, start + rng.uniform(FIRST, LAST) * speed, midnight, speed)
        for number, incident in enumerate(chosen)
    ]


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
