"""What happens in the city, and what is said about it: incidents, their reports, ground truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import AwareDatetime

from schemas.case import Model
from schemas.ids import event_id
from schemas.raw import TOPIC_OF

SOURCE = "simulator"


class Said(NamedTuple):
    """One report of an incident. ``second`` counts from the incident day's midnight (Shanghai)."""

    second: float
    channel: str
    body: dict[str, Any]  # fields of the raw model beside id, source, stamp and flag
    resent_after: float = 0.0  # seconds until the same record is sent once more; 0 = never

    @property
    def topic(self) -> str:
        return TOPIC_OF[self.channel]


class Incident(NamedTuple):
    """One thing that happened (or only seemed to: ``real`` is false for noise of devices)."""

    incident_id: str  # <day>-<kind>-<number>, the same for the same city
    kind: str  # report | a device story's name | rain | heating | water_off | fire
    real: bool
    test: bool
    class_code: str  # what a perfect classifier would say; "" for device health
    place: str
    grid: str  # 15 digits; "" when the incident is wider than a grid
    area: str  # narrowest area code that holds all of it
    started_at: datetime
    said: tuple[Said, ...]  # in time order


class Truth(Model):
    """Ground truth of one incident: which events belong to it. One JSON line each."""

    incident_id: str
    kind: str
    real: bool
    test: bool
    class_code: str
    place: str
    grid: str
    area: str
    started_at: AwareDatetime
    event_ids: tuple[str, ...]


def source_id(run: str, incident: Incident, number: int) -> str:
    """The simulator's own number of the incident's report ``number``."""
    return f"{run}-{incident.incident_id}-{number}"


def truth_of(incident: Incident, run: str, numbers: list[int]) -> Truth:
    """Ground truth over the reports that were handed out."""
    ids = tuple(
        event_id(incident.said[n].channel, SOURCE, source_id(run, incident, n)) for n in numbers
    )
    return Truth(
        incident_id=incident.incident_id, kind=incident.kind, real=incident.real,
        test=incident.test, class_code=incident.class_code, place=incident.place,
        grid=incident.grid, area=incident.area, started_at=incident.started_at, event_ids=ids,
    )  # fmt: skip
