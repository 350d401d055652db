"""``gridwhistle profile test``: decisions a jurisdiction expects of its profile, as a table.

Tab separated, first line the column names, any subset of them. What is asked stands in ``INPUTS``
(or whole in ``report``, a JSON object); what is expected in ``EXPECTED``: an empty cell expects
nothing, ``-`` expects that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from ops.deciding import Deciding, moment
from schemas.profile import Profile
from schemas.profile_reading import Problem
from streams.core.explain import Explained, as_json
from streams.core.explained import Line, in_words
from streams.core.reading import Invalid

NONE = "-"
INPUTS = ("text", "title", "address", "channel", "area_code", "lon", "lat")
Decided = Mapping[str, Any]


class Expect(NamedTuple):
    """What a column compares, where ``explain`` gives the reasons, and what may stand in it."""

    value: Callable[[Decided], str]
    topic: str
    allowed: Callable[[str, Profile], bool] = lambda cell, profile: True


def _clock(name: str) -> Expect:
    def value(d: Decided) -> str:
        found = (c["minutes"] for c in d["clocks"] if c["clock"] == name)
        return str(next(found, ""))

    return Expect(value, "时限", lambda cell, _: cell.isdecimal())


def _route(name: str, allowed: Callable[[str, Profile], bool]) -> Expect:
    return Expect(lambda d: str(d["route"][name]), "承办", allowed)


def _place(level: str) -> Expect:
    return Expect(lambda d: str(d["place"][level]), "地点", lambda cell, p: cell in p.areas)


def _finest(d: Decided) -> str:
    place = d["place"]
    village = str(place["village"]).rstrip("0")
    known = place["grid"] or (place["village"] if len(village) > 9 else "")
    return known or place["town"] or place["county"] or village


def _top3(d: Decided) -> str:
    return "|".join(one["code"] for one in d["class"]["top3"])


def _is_flag(cell: str, _: Profile) -> bool:
    return cell in ("0", "1")


def _is_class(cell: str, profile: Profile) -> bool:
    names = {row.name for row in profile.taxonomy.values()}
    return cell in profile.taxonomy or cell in names


#: column → what it expects; a class by code or by name
EXPECTED: dict[str, Expect] = {
    "class":       Expect(lambda d: d["class"]["code"], "类别", _is_class),
    "top3":        Expect(_top3, "把握", _is_class),
    "emergency":   Expect(lambda d: str(int(d["emergency"]["is"])), "紧急", _is_flag),
    "grade":       Expect(lambda d: str(d["grade"]), "等级", lambda c, _: c in list("1234")),
    "disposition": Expect(lambda d: d["disposition"], "事件", lambda c, _: c in (
                       "case", "triage", "clear", "recorded", "suppressed", "invalid")),
    "area":        Expect(_finest, "地点", lambda cell, p: cell in p.areas),
    "county":      _place("county"),
    "town":        _place("town"),
    "village":     _place("village"),
    "grid":        _place("grid"),
    "building":    Expect(lambda d: d["place"]["building"], "地点", lambda c, p: c in p.places),
    "located_by":  Expect(lambda d: d["place"]["by"], "地点"),
    "unit":        _route("unit", lambda cell, p: cell in p.units),
    "department":  _route("department", lambda c, p: c in {u.department for u in p.units.values()}),
    "level":       _route("level", lambda c, _: c in ("city", "county", "town", "village", "grid")),
    "route":       Expect(lambda d: d["route"]["row"].rpartition("/")[2], "承办",
                          lambda cell, p: cell in {row.route_id for row in p.routes}),
    "action":      _route("action", lambda c, _: c in ("dispatch", "grid", "whistle", "desk")),
    "whistle":     Expect(lambda d: "|".join(d["route"]["whistled"]), "承办",
                          lambda cell, p: all(unit in p.units for unit in cell.split("|"))),
    "platform":    Expect(lambda d: d["route"]["platform"], "平台", lambda c, p: c in p.platforms),
    "campaign":    Expect(lambda d: d["route"]["campaign"], "等级", lambda c, p: c in p.campaigns),
    "first_contact_minutes": _clock("contact"),
    **{f"{name}_minutes": _clock(name) for name in (
        "accept", "dispatch", "sign", "handle", "respond", "acknowledge")},
}  # fmt: skip
COLUMNS = ("name", "report", "at", *INPUTS, *EXPECTED)


@dataclass
class Failure:
    """A row that was decided otherwise: what differs, and the lines of ``explain`` about it."""

    line: int
    name: str
    differs: list[tuple[str, str, str]]  # column, expected, found
    because: list[Line] = field(default_factory=list)


@dataclass
class Outcome:
    rows: int = 0
    bad: list[Problem] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def run(path: Path, deciding: Deciding) -> Outcome:
    """Decide every row of a table and compare. Bad rows are told and not decided. OSError."""
    outcome = Outcome()
    profile = deciding.decider.profile
    for n, row in _rows(path, outcome):
        outcome.rows += 1
        problems = list(_wrong(path.name, n, row, profile))
        if problems:
            outcome.bad += problems
            continue
        body, when = _asked(n, row), moment(row.get("at", ""))
        assert isinstance(body, bytes), "a bad report was told above"
        assert when is not None, "and a bad time"
        answers = deciding.answers(body, when)
        if isinstance(answers, str):
            outcome.bad.append(Problem(path.name, n, "channel", answers))
            continue
        differs = _differs(row, answers[0], profile)
        if differs:
            name = row.get("name") or row.get("text") or row.get("report", "")
            because = _because(answers[0], [column for column, _, _ in differs])
            outcome.failed.append(Failure(n, name[:40], differs, because))
    return outcome


def _rows(path: Path, outcome: Outcome) -> Iterator[tuple[int, dict[str, str]]]:
    body = path.read_bytes()
    try:
        lines = body.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        outcome.bad.append(Problem(path.name, 0, "", "不是 UTF-8 编码,请另存为 UTF-8"))
        return
    columns = lines[0].rstrip("\r").split("\t")
    for column in columns:
        if column not in COLUMNS:
            reason = f"没有这一列;可用:{' '.join(COLUMNS)}"
            outcome.bad.append(Problem(path.name, 1, column or "(空)", reason))
        elif columns.count(column) > 1:
            outcome.bad.append(Problem(path.name, 1, column, "列名重复"))
    if not set(columns) & set(EXPECTED):
        outcome.bad.append(Problem(path.name, 1, "", "没有一列写明预期,这样的表什么也不检查"))
    if outcome.bad:
        return
    for n, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(columns):
            reason = f"有 {len(cells)} 列,应为 {len(columns)} 列(用制表符分隔)"
            outcome.bad.append(Problem(path.name, n, "", reason))
            continue
        yield n, dict(zip(columns, (cell.strip() for cell in cells), strict=True))


def _wrong(file: str, n: int, row: dict[str, str], profile: Profile) -> Iterator[Problem]:
    """What is wrong with a row before anything is decided."""
    body = _asked(n, row)
    if isinstance(body, Problem):
        yield Problem(file, n, body.field, body.reason)
    if moment(row.get("at", "")) is None:
        yield Problem(file, n, "at", f"“{row['at']}” 不是时刻;例:2026-11-26T03:00")
    expected = {c: row[c] for c in EXPECTED if row.get(c)}
    if not expected:
        yield Problem(file, n, "", "这一行没有写任何预期")
    for column, cell in expected.items():
        if cell != NONE and not EXPECTED[column].allowed(cell, profile):
            yield Problem(file, n, column, f"“{cell}” 不是 {column} 可以有的值(配置档里没有)")


def _asked(n: int, row: dict[str, str]) -> bytes | Problem:
    """The report a row asks about, as it would arrive."""
    report: dict[str, Any] = {"id": f"row-{n}", "source": "profile-test"}
    if row.get("report"):
        try:
            given = from_json(row["report"])
        except ValueError as error:
            return Problem("", n, "report", f"不是 JSON:{error}")
        if not isinstance(given, dict):
            return Problem("", n, "report", "应为一个 JSON 对象")
        report |= given
    for name in INPUTS:
        cell = row.get(name, "")
        if cell and name in ("lon", "lat"):
            try:
                report[name] = float(cell)
            except ValueError:
                return Problem("", n, name, f"“{cell}” 不是数字")
        elif cell:
            report[name] = cell
    if not row.get("report") and not (row.get("text") or row.get("title")):
        return Problem("", n, "text", "没有要判定的内容:text、title 或 report 须有一项")
    report.setdefault("channel", "hotline_12345")
    return to_json(report)


def _differs(
    row: dict[str, str], answer: Explained | Invalid, profile: Profile
) -> list[tuple[str, str, str]]:
    if isinstance(answer, Invalid):
        wanted = row.get("disposition", "")
        found = f"无法受理:{answer.detail}"
        return [] if wanted == "invalid" else [("disposition", wanted or "(可受理)", found)]
    decided = as_json(answer)
    differing: list[tuple[str, str, str]] = []
    codes = {taxon.name: taxon.code for taxon in profile.taxonomy.values()}
    for column, expect in EXPECTED.items():
        cell = row.get(column, "")
        if not cell:
            continue
        value = expect.value(decided)
        wanted = "" if cell == NONE else cell
        if column in ("class", "top3"):
            wanted = codes.get(wanted, wanted)
        same = wanted in value.split("|") if column == "top3" else wanted == value
        if column == "whistle":
            same = set(wanted.split("|")) == set(value.split("|"))
        if not same:
            differing.append((column, cell, value or NONE))
    return differing


def _because(answer: Explained | Invalid, columns: list[str]) -> list[Line]:
    """The lines of ``explain`` about the columns that differ."""
    if isinstance(answer, Invalid):
        return []
    topics = {EXPECTED[column].topic for column in columns}
    topics |= {"路由行"} if "承办" in topics else set()
    return [line for line in in_words(answer) if line.topic.partition("·")[0] in topics]
