"""What is decided by rules: routes reach a unit, clocks have a limit, phrases name classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from schemas import profile as p
from schemas.case import Clock
from schemas.profile_reading import Draft, Problem, Table
from schemas.words import AREA_DIGITS

LEVELS = tuple(AREA_DIGITS)  # city … grid
GRADES = ("1", "2", "3", "4")
#: clocks that need a row for every grade; an acknowledgement has three minutes without one
CLOCKS: tuple[str, ...] = tuple(clock for clock in get_args(Clock) if clock != "acknowledge")


def check_routes(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Route] = draft.tables["routes.tsv"]
    offices = _offices(draft)
    seen: list[tuple[int, p.Route]] = []
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        if row.hours and not all(
            re.match(r"([01]\d|2[0-3]):[0-5]\d$", h) for h in row.hours.split("-")
        ):
            yield Problem(table.file, n, "hours", f"“{row.hours}” 不是 00:00 至 23:59 的时刻")
        if (
            row.department
            and draft.tables["units.tsv"].whole
            and (reason := _gap(draft, offices, row.department, row.level or "grid"))
        ):
            yield Problem(table.file, n, "department", reason)
        for at, earlier in seen:
            if earlier.hours in ("", row.hours) and _covers(earlier, row):
                reason = f"第 {at} 行（{earlier.route_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "route_id", reason, warning=True)
                break
        seen.append((n, row))
    if not table.rows:
        yield Problem(table.file, 0, "", "没有规则，最后一行应兜底（条件全空）")
    elif table.whole and not _catches_all(table.rows[-1]):
        reason = f"最后一行（{table.rows[-1].route_id}）应兜底：条件全空"
        yield Problem(table.file, table.lines[-1], "route_id", reason)


def check_deadlines(draft: Draft) -> Iterator[Problem]:
    table: Table[p.DeadlineRule] = draft.tables["deadlines.tsv"]
    seen: list[tuple[int, p.DeadlineRule]] = []
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        for at, earlier in seen:
            if earlier.clock == row.clock and _covers(earlier, row):
                reason = f"第 {at} 行（{earlier.rule_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "rule_id", reason, warning=True)
                break
        seen.append((n, row))
    if not table.whole:
        return
    for clock in CLOCKS:
        open_to_all = [
            row for row in table.rows
            if row.clock == clock and not (row.classes or row.channels or row.areas)
        ]  # fmt: skip
        for grade in GRADES:
            if not any(not row.grades or grade in row.grades for row in open_to_all):
                reason = f"时限 {clock} 对等级 {grade} 没有兜底规则"
                yield Problem(table.file, 0, "clock", reason)


def _conditions(draft: Draft, file: str, n: int, row: Any) -> Iterator[Problem]:
    for code in row.classes:
        if not any(key.startswith(code) for key in draft.tables["taxonomy.tsv"].keys):
            yield Problem(file, n, "classes", f"没有以 {code} 开头的类别")
    for code in row.channels:
        if code not in draft.tables["channels.tsv"].keys:
            yield Problem(file, n, "channels", f"渠道 {code} 不在 channels.tsv")
    for code in row.areas:
        if not any(key.startswith(code) for key in draft.tables["areas.tsv"].keys):
            yield Problem(file, n, "areas", f"没有以 {code} 开头的区划")
    for grade in row.grades:
        if grade not in GRADES:
            yield Problem(file, n, "grades", f"“{grade}” 不是等级 1 至 4")


def _covers(wide: Any, narrow: Any) -> bool:
    """Whether whatever matches ``narrow`` also matches ``wide`` (hours and clock apart)."""

    def prefixes(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
        return not a or (bool(b) and all(code.startswith(a) for code in b))

    def members(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
        return not a or (bool(b) and set(b) <= set(a))

    return (
        prefixes(wide.classes, narrow.classes)
        and prefixes(wide.areas, narrow.areas)
        and members(wide.channels, narrow.channels)
        and members(wide.grades, narrow.grades)
    )


def _catches_all(row: p.Route) -> bool:
    return not (row.classes or row.channels or row.areas or row.grades or row.hours)


def check_phrases(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Phrase] = draft.tables["phrases.tsv"]
    known = draft.tables["taxonomy.tsv"].keys
    for n, row in table:
        if row.class_code and row.class_code not in known:
            reason = f"类别 {row.class_code} 不在 taxonomy.tsv"
            yield Problem(table.file, n, "class_code", reason)
        elif row.kind == "weight" and not row.class_code:
            yield Problem(table.file, n, "class_code", f"“{row.phrase}” 是加权词，要写明类别")


def check_coverage(draft: Draft) -> Iterator[Problem]:
    """Each class has, for every area of its level, a unit there or above."""
    classes: Table[p.TaxonomyClass] = draft.tables["taxonomy.tsv"]
    if not draft.tables["units.tsv"].whole:
        return
    offices = _offices(draft)
    done = set[tuple[str, str]]()
    for n, row in classes:
        if (row.department, row.level) in done:
            continue
        done.update((row.department, level) for level in LEVELS if row.department not in offices)
        done.add((row.department, row.level))
        if reason := _gap(draft, offices, row.department, row.level):
            yield Problem(classes.file, n, "department", reason)


def _offices(draft: Draft) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _, unit in draft.tables["units.tsv"]:
        found.setdefault(unit.department, set()).add(unit.area)
    return found


def _gap(draft: Draft, offices: dict[str, set[str]], department: str, level: str) -> str:
    """Why a department cannot take a case of that level everywhere; "" when it can."""
    held = offices.get(department, set())
    if not held:
        return f"部门“{department}”在 units.tsv 里没有承办单位"
    if any(len(code) == AREA_DIGITS["city"] for code in held):
        return ""
    steps = [AREA_DIGITS[name] for name in LEVELS[: LEVELS.index(level) + 1]]
    bare = [
        area.code
        for _, area in draft.tables["areas.tsv"]
        if area.level == level and not any(area.code[:d] in held for d in steps)
    ]
    if not bare:
        return ""
    more = f" 等 {len(bare)} 处" if len(bare) > 1 else ""
    return f"部门“{department}”在 {bare[0]}{more} 没有 {level} 级或以上的承办单位"


def check_training(draft: Draft) -> Iterator[Problem]:
    """Classes that exist, and no text told twice with different answers."""
    known = draft.tables["taxonomy.tsv"].keys
    told: dict[str, tuple[str, int, str]] = {}
    for table in draft.training:
        for n, row in table:
            if row.code and row.code not in known:
                yield Problem(table.file, n, "code", f"类别 {row.code} 不在 taxonomy.tsv")
            first = told.setdefault(row.text, (table.file, n, row.code))
            if first[2] != row.code:
                reason = f"同一文本在 {first[0]}:{first[1]} 是 {first[2] or '无类别'}"
                yield Problem(table.file, n, "code", reason, warning=True)
