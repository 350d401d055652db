"""Read the files of a profile into a draft, naming file, line and field of what cannot be read.

Rows are validated a file at once; only a file that fails is gone through row by row.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from schemas import alarm_rules as a
from schemas import profile as p
from schemas.profile_row import Row
from schemas.profile_wording import other_encoding, say
from schemas.settings import settings

R = TypeVar("R", bound=Row)

TOML = "profile.toml"
RINGS = "grids.geojsonl"
OUTLINES = "outlines.json"  # optional: borders for the wall's map, derived from the rings

#: file → row type, and what makes a row unique (None: nothing does)
TABLES: dict[str, tuple[type[Row], Callable[[dict[str, str]], str] | None]] = {
    "areas.tsv":         (p.Area,          lambda r: r.get("code", "")),
    "taxonomy.tsv":      (p.TaxonomyClass, lambda r: r.get("code", "")),
    "grades.tsv":        (p.GradeRow,      lambda r: r.get("grade", "")),
    "channels.tsv":      (p.Channel,       lambda r: r.get("channel_id", "")),
    "device_events.tsv": (p.DeviceEvent,   None),
    "units.tsv":         (p.Unit,          lambda r: r.get("unit_id", "")),
    "devices.tsv":       (p.Device,        lambda r: r.get("device_id", "")),
    "places.tsv":        (p.Place,         lambda r: r.get("place_id", "")),
    "routes.tsv":        (p.Route,         lambda r: r.get("route_id", "")),
    "deadlines.tsv":     (p.DeadlineRule,  lambda r: r.get("rule_id", "")),
    "escalation.tsv":    (p.LadderStep,    lambda r: r.get("step_id", "")),
    "disputes.tsv":      (p.DisputeField,  lambda r: r.get("field", "")),
    "platforms.tsv":     (p.Platform,      lambda r: r.get("platform_id", "")),
    "campaigns.tsv":     (p.Campaign,      lambda r: r.get("campaign_id", "")),
    "calendar.tsv":      (p.DayOff,        lambda r: r.get("day", "")),
    "phrases.tsv":       (p.Phrase,        lambda r: "\t".join(
                             (r.get("kind", ""), r.get("phrase", ""), r.get("class_code", "")))),
    "alarm_rules.tsv":    (a.AlarmRule,    lambda r: r.get("rule_id", "")),
    "alarm_patterns.tsv": (a.AlarmPattern, lambda r: r.get("pattern_id", "")),
    "maintenance.tsv":    (a.Maintenance,  lambda r: r.get("window_id", "")),
    "heartbeats.tsv":     (a.Heartbeat,    None),
    "patrols.tsv":        (a.Patrol,       None),
}  # fmt: skip
#: profiles that are part of what is installed
SHIPPED = Path(__file__).parent / "profiles"
CORRECTIONS = "training/corrections.tsv"
FILES: tuple[str, ...] = (TOML, RINGS, *TABLES)
#: tables a profile may do without: it has none of it then
OPTIONAL = frozenset({
    "escalation.tsv", "disputes.tsv", "platforms.tsv", "campaigns.tsv", "alarm_rules.tsv",
    "alarm_patterns.tsv", "maintenance.tsv", "heartbeats.tsv", "patrols.tsv",
})  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One thing wrong. ``line`` counts from 1 with the header; 0 = the whole file."""

    file: str
    line: int
    field: str
    reason: str
    warning: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} {self.field}: {self.reason}" if self.field else f"{where}: {self.reason}"


@dataclass
class Table(Generic[R]):
    """The good rows of a file with their lines. ``keys`` also has those of rows that failed, so
    that one bad row is one problem and not one for every row that refers to it."""

    file: str
    rows: list[R] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    whole: bool = True  # every row could be read

    def __iter__(self) -> Iterator[tuple[int, R]]:
        return iter(zip(self.lines, self.rows, strict=True))


@dataclass
class Draft:
    """A profile as read, before its files are held against each other."""

    station: p.Station | None = None
    station_lines: dict[str, int] = field(default_factory=dict)
    tables: dict[str, Table[Any]] = field(default_factory=dict)
    rings: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    ring_lines: dict[str, int] = field(default_factory=dict)
    rings_whole: bool = True  # every line could be read
    outlines: Any = None
    training: list[Table[p.Told]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)


def read(root: Path) -> tuple[Draft, list[Problem]]:
    """What of a profile's files can be read, and what cannot."""
    found: list[Problem] = []
    draft = Draft()
    _read_station(root, draft, found)
    for file in TABLES:
        draft.tables[file] = _read_table(root, file, *TABLES[file], draft, found)
    for file in training_files(root):
        draft.training.append(_read_table(root, file, p.Told, _text_of, draft, found))
    _read_rings(root, draft, found)
    _read_outlines(root, draft, found)
    return draft, found


def training_files(root: Path) -> list[str]:
    """Names of the optional texts a model learns from, relative to the profile, in order; last the
    corrections of a shipped profile, which stand elsewhere."""
    files = sorted(f"training/{path.name}" for path in (root / "training").glob("*.tsv"))
    own = corrections_file(root)
    return [*files, str(own)] if is_shipped(root) and own.is_file() else files


def corrections_file(root: Path) -> Path:
    """Where corrections by people are added to a profile: its own folder; of a shipped one, which
    is part of what is installed, a file of its name in ``Settings.corrections_dir``."""
    if is_shipped(root):
        return settings().corrections_dir.absolute() / f"{root.name}.tsv"
    return root / CORRECTIONS


def digest_name(file: str) -> str:
    """What a file is called in a digest: where it stands on a machine is no part of a profile."""
    return CORRECTIONS if Path(file).is_absolute() else file


def is_shipped(root: Path) -> bool:
    return root.resolve().parent == SHIPPED.resolve()


def _text_of(record: dict[str, str]) -> str:
    return record.get("text", "")


def _text(root: Path, file: str, found: list[Problem]) -> str | None:
    """The file as text; None with a problem when it is missing or not UTF-8."""
    path = root / file
    try:
        body = path.read_bytes()
    except OSError:
        found.append(Problem(file, 0, "", "文件缺失或不能读取"))
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        guess = other_encoding(body)
        found.append(Problem(file, line, "", f"不是 UTF-8 编码{guess}，请另存为 UTF-8"))
        return None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines; only line feeds end one (a pasted U+2028 stays in its cell)."""
    return enumerate((line.removesuffix("\r") for line in text.split("\n")), start=1)


@cache
def _many(row: type[Row]) -> TypeAdapter[Any]:
    return TypeAdapter(list[row])  # type: ignore[valid-type]


def _read_table(
    root: Path,
    file: str,
    row_type: type[Row],
    key_of: Callable[[dict[str, str]], str] | None,
    draft: Draft,
    found: list[Problem],
) -> Table[Any]:
    table: Table[Any] = Table(file)
    if file in OPTIONAL and not (root / file).exists():
        return table
    text = _text(root, file, found)
    if text is None:
        draft.missing.add(file)
        return table
    raw = [(n, line) for n, line in _lines(text) if line.strip()]
    header = raw[0][1].split("\t") if raw else []
    if wrong := list(_header_problems(file, row_type, header)):
        found += wrong
        draft.missing.add(file)
        return table
    records: list[tuple[int, dict[str, str]]] = []
    for n, line in raw[1:]:
        cells = line.split("\t")
        record = dict(zip(header, cells, strict=False))
        key = key_of(record) if key_of else ""
        if len(cells) != len(header):
            reason = f"有 {len(cells)} 列，应为 {len(header)} 列（用制表符分隔）"
            found.append(Problem(file, n, "", reason))
            table.whole = False
        elif key and key in table.keys:
            name = "phrase" if file == "phrases.tsv" else header[0]
            shown = record.get(name, key)
            found.append(Problem(file, n, name, f"{shown} 与第 {table.keys[key]} 行重复"))
        else:
            records.append((n, record))
        if key:
            table.keys.setdefault(key, n)
    try:
        table.rows = _many(row_type).validate_python([record for _, record in records])
        table.lines = [n for n, _ in records]
    except ValidationError:
        _row_by_row(table, row_type, records, found)
    _share(table.rows, set(header))
    return table


def _share(rows: Sequence[Row], columns: set[str]) -> None:
    """One set of the columns a file has for all its rows: it weighs more than most rows do."""
    for row in rows:
        object.__setattr__(row, "__pydantic_fields_set__", columns)


def _header_problems(file: str, row_type: type[Row], header: list[str]) -> Iterator[Problem]:
    if not header:
        yield Problem(file, 1, "", "文件是空的，第一行应为列名")
        return
    for name in header:
        if name not in row_type.model_fields:
            yield Problem(
                file, 1, name or "（空）", f"没有这一列；可用：{' '.join(row_type.model_fields)}"
            )
        elif header.count(name) > 1:
            yield Problem(file, 1, name, "列名重复")
            return
    for name, info in row_type.model_fields.items():
        if info.is_required() and name not in header:
            yield Problem(file, 1, name, "缺少这一列")


def _row_by_row(
    table: Table[Any],
    row_type: type[Row],
    records: list[tuple[int, dict[str, str]]],
    found: list[Problem],
) -> None:
    for n, record in records:
        try:
            table.rows.append(row_type.model_validate(record))
            table.lines.append(n)
        except ValidationError as errors:
            table.whole = False
            for error in errors.errors():
                name = str(error["loc"][0]) if error["loc"] else ""
                found.append(Problem(table.file, n, name, say(error, record.get(name, ""))))


def _read_station(root: Path, draft: Draft, found: list[Problem]) -> None:
    text = _text(root, TOML, found)
    if text is None:
        return
    for n, line in _lines(text):
        if match := re.match(r"\s*([A-Za-z_]\w*)\s*=", line):
            draft.station_lines.setdefault(match[1], n)
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        found.append(Problem(TOML, int(at[1]) if at else 0, "", f"不是 TOML：{error}"))
        return
    try:
        draft.station = p.Station.model_validate(settings)
    except ValidationError as errors:
        for wrong in errors.errors():
            name = str(wrong["loc"][0])
            line_no = draft.station_lines.get(name, 0)
            found.append(Problem(TOML, line_no, name, say(wrong, settings.get(name, ""))))


def _read_rings(root: Path, draft: Draft, found: list[Problem]) -> None:
    import orjson

    text = _text(root, RINGS, found)
    if text is None:
        draft.missing.add(RINGS)
        return
    for n, line in _lines(text):
        if not line.strip():
            continue
        try:
            feature = orjson.loads(line)
            code = str(feature["properties"]["code"])
            if feature["geometry"]["type"] != "Polygon":
                kind = feature["geometry"]["type"]
                found.append(Problem(RINGS, n, "geometry", f"“{kind}” 应为 Polygon"))
                draft.ring_lines.setdefault(code, n)
                continue
            rings = feature["geometry"]["coordinates"]
            ring = tuple([(float(x), float(y)) for x, y in rings[0]])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"不是一行一个的 GeoJSON Feature：{type(error).__name__} {error}"
            found.append(Problem(RINGS, n, "", reason))
            draft.rings_whole = False
            continue
        if len(rings) != 1:
            found.append(
                Problem(RINGS, n, "geometry", f"网格 {code} 有 {len(rings)} 个环，应为 1 个")
            )
        elif code in draft.ring_lines:
            reason = f"{code} 与第 {draft.ring_lines[code]} 行重复"
            found.append(Problem(RINGS, n, "code", reason))
        draft.rings.setdefault(code, ring)
        draft.ring_lines.setdefault(code, n)


def _read_outlines(root: Path, draft: Draft, found: list[Problem]) -> None:
    import orjson

    if not (root / OUTLINES).exists():
        return
    text = _text(root, OUTLINES, found)
    if text is None:
        return
    try:
        draft.outlines = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found.append(Problem(OUTLINES, error.lineno, "", f"不是 JSON：{error}"))
