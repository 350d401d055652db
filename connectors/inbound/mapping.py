"""A mapping: how rows of an export become reports. TOML, so that no programmer is needed.

    source = "nyc311"                    # the events' source; also part of their ids
    [file]    format = "csv" | "jsonl", encoding, delimiter
    [time]    take = "{Created Date}", formats = ["%m/%d/%Y %I:%M:%S %p"], zone = "America/New_York"
    [reporter] account = "{user}" or phone = "{tel}"
    [fields]  id, channel, text, …: fields of the report (``schemas.raw``)
    [maps.NAME]  value = "what it means here"
    [[skip]]  take = "{Status}", equals = ["Cancelled"]

A field is a template, ``"{column}"`` or ``"{street} {number?}"`` (``?`` = may be absent), or a
table: ``take`` a template, ``cut`` to so many characters, or ``lookup`` templates tried in turn in
``map``, with ``otherwise`` for values the map does not know. ``{_line}`` is the line in the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Columns
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from connectors.inbound.problems import Problem, Refused, refuse
from connectors.tokens import SOURCE
from schemas.raw import RAW_MODELS, TOPIC_OF

SHIPPED = Path(__file__).parent.parent / "mappings"
_COLUMN = re.compile(r"\{([^{}]+)\}")
_FIELDS = {name for model in RAW_MODELS.values() for name in model.model_fields} - {
    "source", "occurred_at", "reporter",
}  # fmt: skip


class MappingProblem(Exception):
    """The mapping file cannot be used. The message names file, place and reason."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error
    return name


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldRule(Part):
    take: str = ""
    cut: Annotated[int, Field(gt=0)] | None = None
    lookup: tuple[str, ...] = ()
    map: str = ""
    otherwise: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> FieldRule:
        if bool(self.take) == bool(self.lookup):
            raise ValueError("give either take or lookup")
        if bool(self.lookup) != bool(self.map):
            raise ValueError("lookup needs map, and map needs lookup")
        return self


Rule = Annotated[FieldRule, BeforeValidator(lambda v: {"take": v} if isinstance(v, str) else v)]


class FileRule(Part):
    format: Literal["jsonl", "csv"]
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","


class TimeRule(Part):
    """``formats`` are tried in turn: strptime's, or ``iso``, ``unix``, ``unix_ms``."""

    take: str
    formats: Annotated[tuple[str, ...], Field(min_length=1)] = ("iso",)
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"


class ReporterRule(Part):
    account: str = ""
    phone: str = ""


class SkipRule(Part):
    take: str
    equals: tuple[str, ...] = ()
    matches: Annotated[str, AfterValidator(lambda v: re.compile(v).pattern)] = ""

    def applies(self, value: str) -> bool:
        return value in self.equals or bool(self.matches and re.search(self.matches, value))


class Mapping(Part):
    source: Annotated[str, Field(pattern=SOURCE.pattern)]
    title: str = ""
    file: FileRule
    time: TimeRule | None = None
    reporter: ReporterRule = ReporterRule()
    fields: dict[str, Rule]
    maps: dict[str, dict[str, str]] = {}
    skip: tuple[SkipRule, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Mapping:
        if missing := {"id", "channel"} - set(self.fields):
            raise ValueError(f"fields: missing {', '.join(sorted(missing))}")
        if unknown := set(self.fields) - _FIELDS:
            raise ValueError(f"fields: no such field of a report: {', '.join(sorted(unknown))}")
        for name, rule in self.fields.items():
            if rule.map and rule.map not in self.maps:
                raise ValueError(f"fields.{name}: no table maps.{rule.map}")
        channel = self.fields["channel"].take
        if channel and "{" not in channel and channel not in TOPIC_OF:
            raise ValueError(f"fields.channel: {channel!r} is none of {', '.join(TOPIC_OF)}")
        return self

    def with_fields(self, templates: dict[str, str]) -> Mapping:
        """The mapping with some fields' templates replaced. MappingProblem when they are wrong."""
        changed: dict[str, Any] = {name: {"take": text} for name, text in templates.items()}
        fields = {name: rule.model_dump() for name, rule in self.fields.items()} | changed
        try:
            return Mapping.model_validate(self.model_dump() | {"fields": fields})
        except ValidationError as error:
            raise MappingProblem(_lines(error)) from error

    def skips(self, row: Columns[str, str]) -> bool:
        return any(rule.applies(_fill(rule.take, row)) for rule in self.skip)

    def occurred_at(self, row: Columns[str, str]) -> datetime | None:
        """Time of the row, aware. None when blank or not mapped; Refused when unreadable."""
        if self.time is None or not (value := _fill(self.time.take, row).strip()):
            return None
        for form in self.time.formats:
            if (stamp := _stamp(value, form)) is not None:
                return stamp if stamp.tzinfo else stamp.replace(tzinfo=ZoneInfo(self.time.zone))
        raise refuse("occurred_at", "bad_value", f"时间不符合 {'、'.join(self.time.formats)}")

    def report(self, row: Columns[str, str]) -> tuple[str, dict[str, Any]]:
        """Channel and report in native form, for ``Edge.admit``. Refused with every problem."""
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for name, rule in self.fields.items():
            try:
                value = self._value(name, rule, row)
            except Refused as refused:
                problems += refused.problems
            else:
                if value != "":
                    values[name] = value
        try:
            values["occurred_at"] = self.occurred_at(row)
            values["reporter"] = self._reporter(row)
        except Refused as refused:
            problems += refused.problems
        channel = values.pop("channel", "")
        if channel not in TOPIC_OF and not problems:
            problems.append(Problem("channel", "unknown_channel", "未知渠道"))
        if problems:
            raise Refused(problems)
        return channel, values

    def _value(self, name: str, rule: FieldRule, row: Columns[str, str]) -> str:
        if not rule.lookup:
            value = _fill(rule.take, row, name).strip()
            return value if rule.cut is None else value[: rule.cut]
        table = self.maps[rule.map]
        for template in rule.lookup:
            if (key := _fill(template, row, name).strip()) in table:
                return table[key]
        if rule.otherwise is None:
            raise refuse(name, "unknown_code", f"取值不在对照表 {rule.map} 中")
        return rule.otherwise

    def _reporter(self, row: Columns[str, str]) -> dict[str, str]:
        filled = {
            kind: _fill(template, row, "reporter").strip()
            for kind, template in (
                ("account", self.reporter.account),
                ("phone", self.reporter.phone),
            )
        }
        return {kind: value for kind, value in filled.items() if value}


def load_mapping(name: str) -> Mapping:
    """A mapping by path, or a shipped one by name. MappingProblem says what is wrong where."""
    path = Path(name)
    if path.suffix != ".toml":
        path = SHIPPED / f"{name}.toml"
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        shipped = "、".join(shipped_mappings())
        raise MappingProblem(f"没有映射文件 {name};自带的有:{shipped}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingProblem(f"{path}:{error}") from error
    except ValidationError as error:
        raise MappingProblem(f"{path}:{_lines(error)}") from error


def _lines(error: ValidationError) -> str:
    return ";".join(
        f"{'.'.join(map(str, e['loc'])) or '(整体)'}:{e['msg']}" for e in error.errors()
    )


def shipped_mappings() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _fill(template: str, row: Columns[str, str], field: str = "") -> str:
    """``template`` with its columns filled in. Refused when a column is not there."""

    def column(match: re.Match[str]) -> str:
        name = match.group(1)
        if name.endswith("?"):
            return row.get(name[:-1], "")
        if name not in row:
            raise refuse(field, "missing_field", f"没有列 {name}")
        return row[name]

    return _COLUMN.sub(column, template)


def _stamp(value: str, form: str) -> datetime | None:
    try:
        match form:
            case "iso":
                return datetime.fromisoformat(value)
            case "unix":
                return datetime.fromtimestamp(float(value), UTC)
            case "unix_ms":
                return datetime.fromtimestamp(float(value) / 1000, UTC)
            case _:
                return datetime.strptime(value, form)  # noqa: DTZ007 - the caller knows the zone
    except (ValueError, OverflowError, OSError):
        return None
