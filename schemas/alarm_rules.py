"""What a jurisdiction decides about the alarms of its devices: five optional files of a profile.

file                 a row says
alarm_rules.tsv      how an alarm lives: waiting for a clear, flapping, storms, repair windows
alarm_patterns.tsv   which alarms together mean more than each of them
maintenance.tsv      what is being repaired or tested, from when to when, and by which unit
heartbeats.tsv       how long a kind of device may be silent
patrols.tsv          how often points on the ground shall be visited
Without rules every alarm opens its case at once, as GB/T 26875.3 and GB/T 28181 devices raise it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from schemas.ids import SHANGHAI
from schemas.profile_row import Bars, Blank, Grade, Row

MOST_RAISES = 16  # raises an alarm remembers: flapping cannot ask for more
MOST_ORDERED = 4  # steps one after the other
MOST_HITS = 64  # signals a pattern remembers

Seconds = Annotated[int, Field(ge=0, le=86_400)]
Minutes = Annotated[int, Field(gt=0, le=60 * 24 * 60)]
Local = Annotated[
    datetime,
    AfterValidator(lambda at: at if at.tzinfo is not None else at.replace(tzinfo=SHANGHAI)),
]


class AlarmRule(Row):
    """alarm_rules.tsv: most specific first, first match wins, empty matches all.

    ``hold_seconds``: so long an alarm waits for its all-clear before it opens a case; never for
    grade 1, which goes out at once. ``fold_minutes``: raised again while its case is open, it
    is evidence ten times; from then on it reaches the case once in so many minutes and is only
    counted in between. ``flap_count`` raises
    within ``flap_minutes`` are one ill device: one case, until it was quiet for ``quiet_minutes``.
    ``storm_count`` devices of one building (without one: of one grid) within ``storm_minutes`` are
    one case. ``maintenance``: what becomes of it inside a window: nothing, or a person looks at it.
    ``cleared_by``: codes that end it beside any all-clear that no row names.
    """

    rule_id: Annotated[str, Field(min_length=1)]
    events: Bars = ()  # prefixes of event codes: fire.fault | video.
    kinds: Bars = ()  # kinds of devices
    areas: Bars = ()  # prefixes of area codes
    hold_seconds: Seconds = 0
    fold_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    flap_count: Annotated[Annotated[int, Field(ge=2, le=MOST_RAISES)] | None, Blank] = None
    flap_minutes: Annotated[Minutes | None, Blank] = None
    quiet_minutes: Annotated[Minutes | None, Blank] = None
    storm_count: Annotated[Annotated[int, Field(ge=2)] | None, Blank] = None
    storm_minutes: Annotated[Minutes | None, Blank] = None
    maintenance: Literal["suppress", "desk"] = "desk"
    cleared_by: Bars = ()
    note: str = ""


class AlarmPattern(Row):
    """alarm_patterns.tsv: alarms that together mean more. See ``steps_of`` for ``steps``.

    Signals count within ``within_minutes`` and, when ``hours`` is given, at those hours; of one
    device, zone (a zone of a building; without one, the building), building or grid. ``distinct``:
    each step by another device, another event, or on another day. ``effect``: ``confirm`` marks the
    case the last signal belongs to and lifts it to ``grade``; ``open`` opens one of class
    ``class_code``, once in ``within_minutes``.
    """

    pattern_id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]  # zh, shown to people
    steps: Annotated[str, AfterValidator(lambda text: text if steps_of(text) else "")]
    scope: Literal["device", "zone", "building", "grid"]
    distinct: Literal["device", "event", "day"]
    within_minutes: Minutes
    hours: Annotated[str, Field(pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")] = ""  # Shanghai
    effect: Literal["confirm", "open"]
    class_code: str = ""
    grade: Annotated[Grade | None, Blank] = None  # empty: the case's, or the class's
    note: str = ""


class Maintenance(Row):
    """maintenance.tsv: a repair or test. Times without a zone are Shanghai's. ``who`` is a unit."""

    window_id: Annotated[str, Field(min_length=1)]
    scope: Literal["device", "building", "grid", "area", "kind", "channel"]
    target: Annotated[str, Field(min_length=1)]
    events: Bars = ()  # prefixes of event codes; empty: all
    start: Local
    end: Local
    who: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]


class Heartbeat(Row):
    """heartbeats.tsv: a device of these kinds is silent when nothing came for ``silent_minutes``.
    ``together`` silent ones of a building (without one: of a grid) are told as one."""

    kinds: Annotated[Bars, Field(min_length=1)]
    silent_minutes: Minutes
    together: Annotated[int, Field(ge=2)] = 5
    note: str = ""


class Patrol(Row):
    """patrols.tsv: patrol points, devices of these kinds, shall be visited once in every so many
    hours. A visit is the point's signal ``visited``; who came is not asked."""

    kinds: Annotated[Bars, Field(min_length=1)]
    every_hours: Annotated[int, Field(gt=0, le=24 * 31)]
    note: str = ""


class Term(NamedTuple):
    """One step of a pattern. ``kinds`` empty: any device."""

    codes: tuple[str, ...]
    kinds: tuple[str, ...]


class Steps(NamedTuple):
    terms: tuple[Term, ...]
    ordered: bool


_TERM = re.compile(r"([a-z_.|]+)(?:@([a-z_|]+))?(?:\s*[×x*]\s*(\d{1,2}))?")


def steps_of(text: str) -> Steps:
    """Steps of a pattern: ``a.b@smoke + a.b|c.d@call_point`` in any order, ``a.b > c.d`` one after
    the other, ``a.b ×3`` three times. ValueError says what is wrong."""
    ordered = ">" in text
    if ordered and "+" in text:
        raise ValueError("不能同时用 + 与 >")
    terms: list[Term] = []
    for part in text.split(">" if ordered else "+"):
        found = _TERM.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"“{part.strip()}” 应为 事件编码@设备种类 ×次数")
        codes, kinds, times = found.groups()
        term = Term(tuple(codes.split("|")), tuple(kinds.split("|")) if kinds else ())
        terms += [term] * int(times or 1)
    if not 2 <= len(terms) <= MOST_RAISES:
        raise ValueError(f"共 {len(terms)} 步，应为 2 至 {MOST_RAISES} 步")
    if ordered and len(terms) > MOST_ORDERED:
        raise ValueError(f"先后顺序的步骤有 {len(terms)} 步，至多 {MOST_ORDERED} 步")
    return Steps(tuple(terms), ordered)
