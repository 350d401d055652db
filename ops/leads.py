"""Leads 线索: places an upper level wants looked at, pushed down to villages and grids as a batch.

A batch has a name; the same row of the same batch is the same lead, however often it is pushed.
Nothing is pushed while anything in the batch is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from connectors.inbound.mapping import FileRule
from connectors.inbound.table_file import rows
from schemas.case import Actor, Command, Report
from schemas.ids import SHANGHAI, case_number, command_id, event_id
from schemas.profile_wording import say
from schemas.raw import epoch_ms
from streams.core.redact import redact
from streams.core.route import Router
from streams.core.rules import Rules

CHANNEL = "leads"
MOST = 50_000  # leads of a batch
AHEAD = timedelta(minutes=10)  # a check due sooner than this is a slip of the pen
BATCH = r"^[A-Za-z0-9\u4e00-\u9fff._\-]{1,40}$"


class Lead(BaseModel):
    """One place to look at. ``what`` names no person."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    area: Annotated[str, Field(pattern=r"^(\d{12}|\d{15})$")]  # village or grid
    class_code: Annotated[str, Field(pattern=r"^\d{6}$")]
    what: Annotated[str, Field(min_length=2, max_length=500)]
    place: str = ""  # id in places.tsv
    device: str = ""  # id in devices.tsv
    unit: str = ""  # who checks; "" = the village's, by profile.toml or the routes
    due: AwareDatetime | None = None  # "" = by deadlines.tsv


class Wrong(NamedTuple):
    """What is wrong with a lead. ``line`` counts from 1, with the header in a file."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"第 {self.line} 行 {self.field}:{self.reason}" if self.field else (
            f"第 {self.line} 行:{self.reason}"
        )  # fmt: skip


class Lines(NamedTuple):
    """Leads with their lines, and everything wrong with what was read."""

    leads: list[tuple[int, Lead]]
    wrong: list[Wrong]


def from_file(path: Path, encoding: str = "utf-8") -> Lines:
    """Leads of a CSV (``.csv``), tab-separated (``.tsv``) or JSON-lines file, plain or gzip, its
    first line the column names. FileProblem when it cannot be read at all.
    """
    name = path.name.removesuffix(".gz")
    form = "jsonl" if name.endswith(".jsonl") else "csv"
    delimiter = "\t" if name.endswith(".tsv") else ","
    rule = FileRule(format=form, encoding=encoding, delimiter=delimiter)
    found = Lines([], [])
    for row in rows(path, rule):
        found.wrong.extend(Wrong(row.line, p.field, p.reason) for p in row.problems)
        if not row.problems:
            _read(row.line, {k: v for k, v in row.values.items() if v.strip()}, found)
    return found


def from_items(items: Iterable[Mapping[str, object]]) -> Lines:
    """Leads of a request; lines count from 1."""
    found = Lines([], [])
    for line, item in enumerate(items, start=1):
        _read(line, {k: v for k, v in item.items() if v not in (None, "")}, found)
    return found


def _read(line: int, values: Mapping[str, object], found: Lines) -> None:
    given = dict(values)
    due = given.get("due")
    if isinstance(due, str):
        try:
            at = datetime.fromisoformat(due.strip())
        except ValueError:
            found.wrong.append(Wrong(line, "due", f"“{due}” 应写作 2026-12-01T18:00"))
            return
        given["due"] = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    try:
        found.leads.append((line, Lead.model_validate(given)))
    except ValidationError as errors:
        for error in errors.errors():
            field = str(error["loc"][0]) if error["loc"] else ""
            found.wrong.append(Wrong(line, field, say(error, given.get(field, ""))))


def check(lines: Lines, rules: Rules, area: str, now: datetime) -> list[Wrong]:
    """Everything wrong with a batch that somebody responsible for ``area`` pushes at ``now``."""
    profile, wrong = rules.profile, list(lines.wrong)
    seen: dict[tuple[str, str, str, str], int] = {}
    if len(lines.leads) > MOST:
        wrong.append(Wrong(MOST + 1, "", f"一批最多 {MOST} 条线索"))
    for line, lead in lines.leads:
        reasons = (
            ("area", lead.area not in profile.areas, f"区划 {lead.area} 不存在"),
            ("area", not lead.area.startswith(area), f"{lead.area} 不在本账号辖区 {area} 内"),
            ("class_code", lead.class_code not in profile.taxonomy,
             f"事项编码 {lead.class_code} 不存在"),
            ("place", lead.place != "" and lead.place not in profile.places,
             f"地点 {lead.place} 不存在"),
            ("device", lead.device != "" and lead.device not in profile.devices,
             f"设备 {lead.device} 不存在"),
            ("unit", lead.unit != "" and lead.unit not in profile.units,
             f"单位 {lead.unit} 不存在"),
            ("due", lead.due is not None and lead.due < now + AHEAD,
             f"期限 {lead.due} 已过或不足十分钟"),
        )  # fmt: skip
        wrong += [Wrong(line, field, reason) for field, holds, reason in reasons if holds]
        same = seen.setdefault((lead.area, lead.class_code, lead.what, lead.place), line)
        if same != line:
            wrong.append(Wrong(line, "what", f"与第 {same} 行是同一条线索"))
    return sorted(wrong)


def commands(
    lines: Lines, batch: str, rules: Rules, router: Router, actor: Actor, now: datetime,
    simulated: bool = False,
) -> list[Command]:  # fmt: skip
    """What pushes a checked batch: each lead a case of its own, the same each time."""
    return [_command(lead, batch, rules, router, actor, now, simulated) for _, lead in lines.leads]


def _command(
    lead: Lead, batch: str, rules: Rules, router: Router, actor: Actor, now: datetime,
    simulated: bool,
) -> Command:  # fmt: skip
    key = "\x1f".join((lead.area, lead.class_code, lead.what, lead.place))
    event = event_id(CHANNEL, batch, key)
    known = rules.profile.taxonomy[lead.class_code]
    unit = lead.unit or checker(lead, rules, router, now)
    spot = rules.profile.places.get(lead.place) or rules.profile.devices.get(lead.device)
    return Command(
        command_id=command_id(event, "report"),
        case_no=case_number(event, lead.area[:12], now),
        move="report",
        at=now,
        actor=actor,
        reason=f"线索批次 {batch}",
        review_at=lead.due,
        report=Report(
            event_id=event, channel=CHANNEL, occurred_at=now, ingested_at=now,
            title=f"线索核查:{known.name}", text=redact(lead.what), class_code=lead.class_code,
            confidence=1.0, grade=known.grade, grid=lead.area if len(lead.area) == 15 else "",
            building=lead.place, device_id=lead.device, lon=spot.lon if spot else 0.0,
            lat=spot.lat if spot else 0.0, unit=unit, unit_level=rules.level_of(unit), lead=batch,
            simulated=simulated,
        ),
    )  # fmt: skip


def checker(lead: Lead, rules: Rules, router: Router, now: datetime) -> str:
    """Who looks: the village's office of the department that profile.toml names, else by routes."""
    department = rules.profile.station.lead_department
    own = rules.office(department, lead.area[:12]) if department else None
    if own is not None:
        return own
    grade = rules.profile.taxonomy[lead.class_code].grade
    routed = router.route(lead.class_code, grade, CHANNEL, lead.area, epoch_ms(now)).unit
    return routed or rules.desk(lead.area[:12], "town")
