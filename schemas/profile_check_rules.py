"""What is decided by rules: routes reach a unit, clocks have a limit, phrases name classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from schemas import profile as p
from schemas.case import Clock
from schemas.profile_reading import Draft, Problem, Table
from schemas.words import AREA_DIGITS

LEVELS = tuple(AREA_DIGITS)  # city … grid
GRADES = ("1", "2", "3", "4")
#: clocks that need no row for every grade: an acknowledgement has three minutes without one, the
#: check of a lead a week; those of disputes need one only where there are disputes
WITHOUT = ("acknowledge", "check")
OF_DISPUTES = ("mediate", "perform", "recheck", "refer")


def check_routes(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Route] = draft.tables["routes.tsv"]
    offices = _offices(draft)
    whole: dict[str, p.Route] = {}  # with the conditions of its parents
    seen: list[tuple[int, p.Route]] = []
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        if row.hours and not all(
            re.match(r"([01]\d|2[0-3]):[0-5]\d$", h) for h in row.hours.split("-")
        ):
            yield Problem(table.file, n, "hours", f"“{row.hours}” 不是 00:00 至 23:59 的时刻")
        if row.parent and table.keys.get(row.parent, n) >= n:
            yield Problem(table.file, n, "parent", f"上级行 {row.parent} 不存在或在其后")
        yield from _destination(draft, offices, table.file, n, row)
        one = whole[row.route_id] = _narrowed(row, whole.get(row.parent))
        for at, earlier in seen:
            if earlier.route_id in _ancestors(row, whole) or earlier.goes_on:
                continue
            if _same_time(earlier, one) and _covers(earlier, one):
                reason = f"第 {at} 行（{earlier.route_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "route_id", reason, warning=True)
                break
        seen.append((n, one))
    if not table.rows:
        yield Problem(table.file, 0, "", "没有规则，最后一行应兜底（条件全空）")
    elif table.whole and not _catches_all(table.rows[-1]):
        reason = f"最后一行（{table.rows[-1].route_id}）应兜底：条件全空"
        yield Problem(table.file, table.lines[-1], "route_id", reason)


def _destination(
    draft: Draft, offices: dict[str, set[str]], file: str, n: int, row: p.Route | p.Campaign
) -> Iterator[Problem]:
    """Departments that have offices where they are needed, and a platform that there is."""
    if draft.tables["units.tsv"].whole:
        for field, names in (("department", (row.department,)), ("whistle", row.whistle)):
            for name in filter(None, names):
                if reason := _gap(draft, offices, name, row.level or "grid"):
                    yield Problem(file, n, field, reason)
    platform = getattr(row, "platform", "")
    if platform and platform not in draft.tables["platforms.tsv"].keys:
        yield Problem(file, n, "platform", f"平台 {platform} 不在 platforms.tsv")
    for name in row.campaigns if isinstance(row, p.Route) else ():
        if name not in draft.tables["campaigns.tsv"].keys:
            yield Problem(file, n, "campaigns", f"专项 {name} 不在 campaigns.tsv")


def _narrowed(row: p.Route, above: p.Route | None) -> p.Route:
    """A row as narrow as its parents make it: what it leaves open is theirs."""
    if above is None:
        return row
    fields = ("classes", "channels", "areas", "grades", "lifted", "campaigns", "hours", "days",
              "grid_kind")  # fmt: skip
    return row.model_copy(update={f: getattr(row, f) or getattr(above, f) for f in fields})


def _ancestors(row: p.Route, whole: dict[str, p.Route]) -> set[str]:
    found = set[str]()
    while row.parent in whole and row.parent not in found:
        found.add(row.parent)
        row = whole[row.parent]
    return found


def _same_time(wide: p.Route, narrow: p.Route) -> bool:
    return (
        wide.hours in ("", narrow.hours)
        and wide.days in ("", narrow.days)
        and wide.grid_kind in ("", narrow.grid_kind)
        and wide.lifted <= narrow.lifted
        and (
            not wide.campaigns
            or 0 < len(narrow.campaigns) == len(set(narrow.campaigns) & set(wide.campaigns))
        )
    )


def check_platforms(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Platform] = draft.tables["platforms.tsv"]
    for n, row in table:
        for code in row.classes:
            if not any(key.startswith(code) for key in draft.tables["taxonomy.tsv"].keys):
                yield Problem(table.file, n, "classes", f"没有以 {code} 开头的类别")


def check_campaigns(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Campaign] = draft.tables["campaigns.tsv"]
    offices = _offices(draft)
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        yield from _destination(draft, offices, table.file, n, row)
        if row.ends < row.starts:
            yield Problem(table.file, n, "ends", f"{row.ends} 早于 starts {row.starts}")


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
    spared = WITHOUT if draft.tables["disputes.tsv"].rows else (*WITHOUT, *OF_DISPUTES)
    for clock in (clock for clock in get_args(Clock) if clock not in spared):
        open_to_all = [
            row for row in table.rows
            if row.clock == clock and not (row.classes or row.channels or row.areas)
        ]  # fmt: skip
        for grade in GRADES:
            if not any(not row.grades or grade in row.grades for row in open_to_all):
                reason = f"时限 {clock} 对等级 {grade} 没有兜底规则"
                known = clock in OF_DISPUTES  # a month, a week
                yield Problem(table.file, 0, "clock", reason, warning=known)


def check_disputes(draft: Draft) -> Iterator[Problem]:
    """Each field has classes that exist, tries somewhere, and somebody there who mediates."""
    table: Table[p.DisputeField] = draft.tables["disputes.tsv"]
    offices = _offices(draft)
    seen: list[tuple[int, p.DisputeField]] = []
    for n, row in table:
        for code in row.classes:
            if not any(key.startswith(code) for key in draft.tables["taxonomy.tsv"].keys):
                yield Problem(table.file, n, "classes", f"没有以 {code} 开头的类别")
        for at, earlier in seen:
            if all(code.startswith(earlier.classes) for code in row.classes):
                reason = f"第 {at} 行（{earlier.field}）已包含这些类别，这一行永远轮不到"
                yield Problem(table.file, n, "classes", reason)
        seen.append((n, row))
        if not row.tries:
            yield Problem(table.file, n, "county", "各级调解次数都是 0，无人调解")
        elif draft.tables["units.tsv"].whole and (
            reason := _gap(draft, offices, row.department, list(row.tries)[-1])
        ):
            yield Problem(table.file, n, "department", reason)


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
    for grade in getattr(row, "grades", ()):
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
    return not (
        row.parent or row.classes or row.channels or row.areas or row.grades or row.hours
        or row.days or row.grid_kind or row.campaigns or row.lifted or row.goes_on
    )  # fmt: skip


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
                elsewhere = Path(table.file).is_absolute()  # corrections of a shipped profile
                reason = f"类别 {row.code} 不在 taxonomy.tsv"
                yield Problem(table.file, n, "code", reason, warning=elsewhere)
            first = told.setdefault(row.text, (table.file, n, row.code))
            if first[2] != row.code:
                reason = f"同一文本在 {first[0]}:{first[1]} 是 {first[2] or '无类别'}"
                yield Problem(table.file, n, "code", reason, warning=True)
