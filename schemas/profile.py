"""A profile: a jurisdiction as data. One class a file, one field a column, read by name.

Files of a profile (UTF-8, tab separated, first line the column names; ``profile.toml`` apart):
areas, grids.geojsonl, taxonomy, grades, channels, device_events, units, devices, places, routes,
deadlines, calendar, phrases; escalation, disputes, platforms, campaigns and the alarm files
(``schemas.alarm_rules``), when there are any; any number of training/*.tsv.
``schemas.profile_files`` reads them and says what is wrong where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.alarm_rules import AlarmPattern, AlarmRule, Heartbeat, Maintenance, Patrol
from schemas.case import Clock
from schemas.profile_row import Bars, Blank, Grade, Row
from schemas.words import AreaLevel, Calendar, ChannelKind, Semantics


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
    risk_weight: Annotated[float, Field(ge=0)] = 1.0  # of a case in the risk index of its area


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


Span = Annotated[str, Field(pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")]  # Shanghai
Lifted = Annotated[int, Field(ge=0, le=3), BeforeValidator(lambda v: v or 0)]
LevelOrNone = Literal["", "city", "county", "town", "village", "grid"]


class Route(Row):
    """routes.tsv: most specific first, first match wins, empty matches all, last row catches.

    A row with a ``parent`` counts only where that row matches, and what it leaves empty it has from
    it; a parent none of whose children match decides itself. A row with ``goes_on`` whistles for
    its unit to help, and the search goes on.
    """

    route_id: Annotated[str, Field(pattern=r"^[^/\s]+$")]
    parent: str = ""  # a row above
    classes: Bars = ()  # prefixes of class codes: 02 | 0201 | 020104
    channels: Bars = ()
    areas: Bars = ()  # prefixes of area codes
    grid_kind: Literal["", "base", "exclusive"] = ""  # of the grid it happens in
    grades: Bars = ()
    lifted: Lifted = 0  # at least so many grades graver than its class is by itself
    hours: Span = ""
    days: Literal["", "work", "rest"] = ""  # by calendar.tsv and the national calendar
    campaigns: Bars = ()  # while one of these runs where it happens
    goes_on: Annotated[bool, BeforeValidator(lambda v: v or False)] = False
    action: Literal["", "dispatch", "grid", "whistle", "desk"] = ""  # "" = dispatch
    department: str = ""  # "" = the department of the class
    level: LevelOrNone = ""  # "" = of the class
    whistle: Bars = ()  # departments that shall report in beside it
    platform: str = ""  # "" = of the class
    note: str = ""


class Platform(Row):
    """platforms.tsv: the platforms a centre runs, and the classes that are theirs (prefixes; first
    match)."""

    platform_id: Annotated[str, Field(pattern=r"^[a-z0-9_\-]+$")]
    name: str
    name_en: str = ""
    classes: Bars = ()
    note: str = ""


class Campaign(Row):
    """campaigns.tsv: a time during which some classes are handled differently. Empty = as always.

    The first that runs and matches counts. It never makes an emergency, and never eases a grade.
    """

    campaign_id: Annotated[str, Field(pattern=r"^[^/\s]+$")]
    name: Annotated[str, Field(min_length=1)]
    name_en: str = ""
    starts: date
    ends: date  # the last day
    classes: Bars = ()
    channels: Bars = ()
    areas: Bars = ()
    department: str = ""
    level: LevelOrNone = ""
    whistle: Bars = ()
    grade: Annotated[Grade | None, Blank] = None
    sign_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = None
    first_contact_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = None
    handle_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = None
    calendar: Annotated[Calendar | None, Blank] = None  # of its minutes; empty: as the clock's own
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
    yellow_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # yellow so many minutes of the clock's calendar before red, instead of at a share
    )
    remind_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # yellow again every so many natural minutes until red
    )
    escalate_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # natural minutes after red, to the desk above: a ladder of one step
    )
    ladder: str = ""  # first step in escalation.tsv, instead of escalate_minutes
    repeat_minutes: Annotated[Annotated[int, Field(gt=0)] | None, Blank] = (
        None  # red again every so many natural minutes
    )
    note: str = ""


class LadderStep(Row):
    """escalation.tsv: who hears of a red light nobody answers. A step leads to the next one."""

    step_id: Annotated[str, Field(min_length=1)]
    minutes: Annotated[int, Field(gt=0)]  # natural, after red
    level: Literal["", "town", "county", "city"] = ""  # the duty desk of this level over the case
    unit: str = ""  # or this unit
    next: str = ""  # the step after it; "" = the last one
    note: str = ""


class DisputeField(Row):
    """disputes.tsv: which classes are disputes, who mediates them, how often at which level before
    the level above. 0 tries = this level does not mediate them.
    """

    field: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    name: str
    name_en: str = ""
    classes: Annotated[Bars, Field(min_length=1)]  # prefixes of class codes
    department: str
    village: Annotated[int, Field(ge=0, le=9)] = 3
    town: Annotated[int, Field(ge=0, le=9)] = 3
    county: Annotated[int, Field(ge=0, le=9)] = 1
    note: str = ""

    @property
    def tries(self) -> dict[AreaLevel, int]:
        """Tries by level, from below, of the levels that mediate."""
        levels: tuple[tuple[AreaLevel, int], ...] = (
            ("village", self.village), ("town", self.town), ("county", self.county),
        )  # fmt: skip
        return {level: tries for level, tries in levels if tries}


class DayOff(Row):
    """calendar.tsv: local overrides, above the national calendar. Who enters a year's statutory
    days before the national list is known here has to enter them all.
    """

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
    learner: Literal["ridge", "counts"] = "ridge"  # counts: texts are longer than what is learned
    heading_weight: Annotated[float, Field(ge=0)] = 0  # of a letter's heading beside its body as
    # the model hears them; 0: heard as one
    lead_department: str = ""  # whose village offices check leads; "" = as routes.tsv says
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
    ladder_steps: dict[str, LadderStep] = field(default_factory=dict)
    disputes: tuple[DisputeField, ...] = ()
    platforms: dict[str, Platform] = field(default_factory=dict)
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of the rows of rule files
    alarm_rules: tuple[AlarmRule, ...] = ()
    alarm_patterns: tuple[AlarmPattern, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    patrols: tuple[Patrol, ...] = ()
    digest: str = ""
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def events_by_code(self) -> dict[str, DeviceEvent]:
        """First row of each event code."""
        found: dict[str, DeviceEvent] = {}
        for row in self.device_events:
            found.setdefault(row.event_code, row)
        return found
