"""routes.tsv as a tree: which row takes a matter, and why those before it do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.profile import Route


class Matter(NamedTuple):
    """What routes are chosen by."""

    class_code: str
    grade: int
    channel: str
    area: str  # finest code known
    grid_kind: str  # base | exclusive | "" when no grid is known
    minute: int  # of the day, Shanghai
    worked: bool  # a working day
    campaigns: tuple[str, ...]  # that run and match
    lifted: int = 0  # so many grades graver than its class by itself


@dataclass
class Rule:
    """A row with what it has from its parents, and its children in order."""

    row: Route
    line: int  # in routes.tsv; 0 = not from a file
    department: str
    level: str
    action: str
    whistle: tuple[str, ...]
    platform: str
    children: list[Rule] = field(default_factory=list)

    def misses(self, matter: Matter) -> str:
        """The first of its own conditions that does not hold, in words; "" when all do."""
        row = self.row
        tests = (
            (not row.classes or matter.class_code.startswith(row.classes), "类别", row.classes),
            (not row.channels or matter.channel in row.channels, "渠道", row.channels),
            (not row.areas or matter.area.startswith(row.areas), "区划", row.areas),
            (row.grid_kind in ("", matter.grid_kind), "网格类型", (row.grid_kind,)),
            (not row.grades or str(matter.grade) in row.grades, "等级", row.grades),
            (matter.lifted >= row.lifted, "等级高于类别自身", (f"{row.lifted} 级以上",)),
            (not row.hours or _within(row.hours, matter.minute), "时段", (row.hours,)),
            (not row.days or matter.worked == (row.days == "work"), "工作日", (row.days,)),
            (not row.campaigns or set(row.campaigns) & set(matter.campaigns), "专项",
             row.campaigns),
        )  # fmt: skip
        for holds, name, wanted in tests:
            if not holds:
                return f"{name}须为 {'|'.join(wanted)}"
        return ""


class Step(NamedTuple):
    """A row that was looked at. ``missed``: why it did not take the matter; "" when it did."""

    rule: Rule
    depth: int
    missed: str


def tree(rows: Sequence[Route], lines: Sequence[int]) -> list[Rule]:
    """The rows without a parent, in order, the others below their parents."""
    roots: list[Rule] = []
    by_id: dict[str, Rule] = {}
    for n, row in enumerate(rows):
        above = by_id.get(row.parent)
        rule = Rule(
            row, lines[n] if n < len(lines) else 0,
            row.department or (above.department if above else ""),
            row.level or (above.level if above else ""),
            row.action or (above.action if above else ""),
            row.whistle or (above.whistle if above else ()),
            row.platform or (above.platform if above else ""),
        )  # fmt: skip
        by_id[row.route_id] = rule
        (above.children if above else roots).append(rule)
    return roots


def walk(rules: Sequence[Rule], matter: Matter, depth: int = 0) -> Iterator[Step]:
    """The rows looked at, in order. The last one that was not missed decides."""
    for rule in rules:
        missed = rule.misses(matter)
        yield Step(rule, depth, missed)
        if missed:
            continue
        yield from walk(rule.children, matter, depth + 1)
        if depth or not _deepest(rule, matter).row.goes_on:
            return


def deciding(rules: Sequence[Rule], matter: Matter) -> tuple[list[Rule], Rule | None]:
    """Rows that whistle for help and go on, and the row that decides (None: no row does)."""
    helping: list[Rule] = []
    for rule in rules:
        if not rule.misses(matter):
            deepest = _deepest(rule, matter)
            if not deepest.row.goes_on:
                return helping, deepest
            helping.append(deepest)
    return helping, None


def _deepest(rule: Rule, matter: Matter) -> Rule:
    for child in rule.children:
        if not child.misses(matter):
            return _deepest(child, matter)
    return rule


def _within(hours: str, minute: int) -> bool:
    """Start included, end not; a span past midnight wraps; equal ends mean the whole day."""
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in hours.split("-"))
    if start < end:
        return start <= minute < end
    return start == end or minute >= start or minute < end
