"""The normalised event: what a source reported, once, with everything intake decided about it.

One type for the hot path, ClickHouse and the API. It is a named tuple because intake makes up to
100,000 a second (0.9 µs each; a pydantic model costs ten times that) and because its fields are, in
order, the columns of the table ``events``. ``TypeAdapter(Event)`` validates and describes it.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import TypeAdapter

from schemas.words import Semantics


class Event(NamedTuple):
    # where it stands in Kafka
    topic: str
    partition: int
    offset: int
    part: int  # index within a record that packs several events; else 0
    # what it is
    event_id: str  # UUIDv5(channel, source, source_id)
    channel: str  # a row of the profile's channels
    source: str  # the sending system, from its token
    source_id: str  # that system's own number
    # when: epoch milliseconds, UTC
    occurred_ms: int  # clamped to [ingest - 30 d, ingest + 5 min]
    device_ms: int  # the source's own stamp as it came; 0 when it sent none
    ingest_ms: int  # the record's time stamp in Kafka
    clock: str  # "" | "missing" | "past" | "future": why occurred_ms is not device_ms
    # what reported it
    device_id: str
    event_code: str  # e.g. fire.alarm; "" for text
    semantics: Semantics
    value: float  # reading of a sensor, count of passes; 0 when there is none
    unit_of_value: str
    # what it says (phones and identity numbers masked)
    title: str
    text: str
    # what it is about
    class_code: str  # six digits of the taxonomy; "" = a person decides
    confidence: float  # 0..1
    top3: tuple[str, ...]  # class codes, best first
    class_reasons: tuple[str, ...]
    grade: int  # 1 critical .. 4 routine
    emergency: bool
    # where
    county: str  # 6 digits
    town: str  # 9 digits
    village: str  # 12 digits
    grid: str  # 15 digits; "" when only a coarser level is known
    building: str  # place id; ""
    lon: float
    lat: float
    located_by: str  # area_code | device | address | point | source_area | ""
    location_confidence: float  # 0..1
    # who handles it
    unit: str  # unit id; "" = triage
    unit_level: str  # grid | village | town | county | city
    route: str  # id of the routing row
    case_no: str  # "" when it opens no case
    disposition: str  # case | clear | recorded | suppressed | triage
    # flags
    reporter: str  # token; never a contact
    test: bool  # exercise or test state: never in the figures
    simulated: bool


EVENT = TypeAdapter(Event)
EVENT_COLUMNS = Event._fields
