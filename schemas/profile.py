"""A profile: a jurisdiction as data. One class a file, one field a column, read by name.

Files of a profile (UTF-8, tab separated, first line the column names; ``profile.toml`` apart):
areas, grids.geojsonl, taxonomy, grades, channels, device_events, units, devices, places, routes,
deadlines, calendar, phrases, and any number of training/*.tsv. ``schemas.profile_files`` reads
them and says what is wrong where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.case import Clock
from schemas.words import AreaLevel, Calendar, ChannelKind, Semantics

Bars = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda v: tuple(filter(None, v.split("|"))) if isinstance(v, str) else v),
]
Blank = BeforeValidator(lambda v: None if v == "" else v)
Grade = Annotated[int, Field(ge=1, le=4)]


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Area(Row):
    """areas.tsv. Codes: city 4, county 6, town 9, village 12, grid 15 digits (GB/T 34300-2017)."""

    code: Annotated[str, Field(pattern=r"^(\d{4}|\d{6}|\d{9}|\d{12}|\d{15})$")]
    name: Annotated[str, Field(min_length=1)]
    level: AreaLevel
    parent: str
    kind: Literal["", "base", "exclusive"] = ""  # grids only
    households: Annotated[int, Field(ge=0)] = 0
    km2: Annotated[float, Field(ge=0)] = 0.0
    lon: float
    lat: float
    valid_from: Annotated[date | None, Blank] = None
    valid_to: Annotated[date | None, Blank] = None
    successor: str = ""


class TaxonomyClass(Row):
    """taxonomy.tsv: 13 major, 37 medium, 254 small classes by default."""

    major_code: str
    major: str
    medium_code: str
    medium: str
    code: Annotated[str, Field(pattern=r"^\d{6}$")]
    name: str
    name_en: str
    department: str
    level: AreaLevel
    grade: Grade
    accept_minutes: Annotated[int, Field(gt=0)]
    handle_hours: Annotated[float, Field(gt=0)]
    calendar: Calendar
    keywords: Bars


class GradeRow(Row):
    """grades.tsv: minutes of the early clocks, when yellow shows, whom to tell."""

    grade: Grade
    name: str
    name_en: str
    color: str
    accept_minutes: Annotated[int, Field(gt=0)]
    dispatch_minutes: Annotated[int, Field(gt=0)]
    first_contact_minutes: Annotated[int, Field(gt=0)]
    verify_minutes: Annotated[int, Field(gt=0)]
    yellow_pct: Annotated[int, Field(gt=0, lt=100)]
    red_pct_overdue: Annotated[int, Field(ge=0)]
    notify: str


class Channel(Row):
    """channels.tsv"""

    channel_id: str
    name: str
    name_en: str = ""
    kind: ChannelKind
    note: str = ""


class DeviceEvent(Row):
    """device_events.tsv: what a device's native code means here. See ``schemas.raw`` for codes."""

    source_standard: str
    device_or_part: str
    native_code: str
    native_name: str
    event_code: str
    taxonomy_code: str = ""
    grade: Grade
    semantics: Semantics
    note: str = ""


class Unit(Row):
    """units.tsv: a department or office. ``area`` is the code of the area it answers for."""

    unit_id: Annotated[str, Field(pattern=r"^[a-z0-9\-]+$")]
    name: str
    name_en: str = ""
    department: str
    level: AreaLevel
    area: str


class Device(Row):
    """devices.tsv: an enrolled device and where it hangs."""

    device_id: str
    channel: str
    kind: str  # smoke | call_point | fire_host | lift | facade_camera | door | camera | manhole …
    name: str
    grid: str
    building: str = ""
    zone: str = ""
    lon: float
    lat: float


class Place(Row):
    """places.tsv: roads, estates, buildings, landmarks with the names people call them."""

    place_id: str
    kind: Literal["road", "estate", "building", "landmark", "market", "school", "station"]
    name: str
    aliases: Bars = ()
    grid: str  # for a long road: the grid of its middle
    parent: str = ""  # a building's estate
    number_from: Annotated[int | None, Blank] = None  # roads: house numbers of this stretch
    number_to: Annotated[int | None, Blank] = None
    lon: float
    lat: float


class Route(Row):
    """routes.tsv: most specific first, first match wins, empty matches all, last row catches."""

    route_id: str
    classes: Bars = ()  # prefixes of class codes: 02 | 0201 | 020104
    channels: Bars = ()
    areas: Bars = ()  # prefixes of area codes
    grades: Bars = ()
    hours: Annotated[str, Field(pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")] = ""  # Shanghai
    department: str = ""  # "" = the department of the class
    level: Literal["", "city", "county", "town", "village", "grid"] = ""  # "" = of the class
    note: str = ""


class DeadlineRule(Row):
    """deadlines.tsv: most specific first, first match wins; empty matches all."""

    rule_id: str
    clock: Clock
    classes: Bars = ()
    grades: Bars = ()
    channels: Bars = ()
    areas: Bars = ()
    minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # empty: the grade's or the class's own figure
    )
    calendar: Annotated[Calendar | None, Blank] = None  # empty: the class's own
    yellow_pct: Annotated[Annotated[int, Field(gt=0, lt=100)] | None, Blank] = None  # the grade's
    escalate_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # natural minutes after red
    )
    repeat_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # red again every so many natural minutes
    )
    note: str = ""


class DayOff(Row):
    """calendar.tsv: local overrides, above the national calendar."""

    day: date
    kind: Literal["work", "off"]
    name: str


class Phrase(Row):
    """phrases.tsv: what classification and the emergency decision listen for beside keywords.

    kind        effect of the phrase in a text
    emergency   makes it an emergency unless negated
    negation    a keyword right after it does not count (没有, 不是, 未见)
    past        an emergency word near it does not count (去年, 上次, 演练)
    trap        a name that contains a keyword (火车站, 打水镇), which then does not count
    weight      weight of a phrase for a class (``class_code``, ``weight``)
    """

    kind: Literal["emergency", "negation", "past", "trap", "weight"]
    phrase: Annotated[str, Field(min_length=1)]
    class_code: str = ""
    weight: float = 1.0


class Told(Row):
    """training/*.tsv: a text as people say it, its class, and whether it is an emergency."""

    text: Annotated[str, Field(min_length=2)]
    code: str = ""
    emergency: Annotated[bool | None, Blank] = None  # empty: nobody said


class Hours(Row):
    start: time
    end: time


class Station(Row):
    """profile.toml: words and settings."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    title: str
    title_en: str
    city: str  # 4-digit code
    fictional: bool = False
    centre: str  # name of the command centre, zh
    centre_en: str
    working_hours: tuple[Hours, ...] = (
        Hours(start=time(9), end=time(12)),
        Hours(start=time(14), end=time(18)),
    )
    triage_confidence: Annotated[float, Field(ge=0, le=1)] = 0.35  # below it a person decides
    model_weight: Annotated[float, Field(ge=0)] | None = None  # of the learned model beside
    # phrases; empty: set on texts it had not read
    desk_unit: str  # unit that gets triage and emergencies beside the responsible unit


@dataclass(frozen=True)
class Profile:
    """A whole jurisdiction, cross-checked. ``digest`` changes with any byte of any file."""

    station: Station
    areas: dict[str, Area]
    rings: dict[str, tuple[tuple[float, float], ...]]  # grid code → closed ring, lon/lat degrees
    taxonomy: dict[str, TaxonomyClass]
    grades: dict[int, GradeRow]
    channels: dict[str, Channel]
    device_events: tuple[DeviceEvent, ...]
    units: dict[str, Unit]
    devices: dict[str, Device]
    places: dict[str, Place]
    routes: tuple[Route, ...]
    deadlines: tuple[DeadlineRule, ...]
    days_off: tuple[DayOff, ...]
    phrases: tuple[Phrase, ...]
    training: tuple[Told, ...] = ()
    digest: str = ""
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def events_by_code(self) -> dict[str, DeviceEvent]:
        """First row of each event code."""
        found: dict[str, DeviceEvent] = {}
        for row in self.device_events:
            found.setdefault(row.event_code, row)
        return found
