"""What is wrong with time in a profile: ladders that lead nowhere or in circles, a calendar with a
gap, a yellow light before its clock has begun.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from schemas import profile as p
from schemas.profile_calendar import missing_festivals
from schemas.profile_reading import Draft, Problem, Table

CALENDAR = "calendar.tsv"


def check_lights(draft: Draft) -> Iterator[Problem]:
    """Columns of deadlines.tsv that exclude one another, and ladders that do not exist."""
    table: Table[p.DeadlineRule] = draft.tables["deadlines.tsv"]
    steps = draft.tables["escalation.tsv"].keys
    for n, row in table:
        if row.ladder and row.ladder not in steps:
            yield Problem(table.file, n, "ladder", f"升级步骤 {row.ladder} 不在 escalation.tsv")
        if row.ladder and row.escalate_minutes is not None:
            reason = "已有 ladder,不能再写 escalate_minutes"
            yield Problem(table.file, n, "escalate_minutes", reason)
        if row.yellow_minutes is None:
            continue
        if row.yellow_pct is not None:
            yield Problem(table.file, n, "yellow_minutes", "与 yellow_pct 只能写一个")
        if row.minutes is not None and row.yellow_minutes >= row.minutes:
            reason = f"提前 {row.yellow_minutes} 分钟亮黄灯,应小于时限 {row.minutes} 分钟"
            yield Problem(table.file, n, "yellow_minutes", reason)


def check_ladders(draft: Draft) -> Iterator[Problem]:
    """Each step tells somebody who exists and leads on, later, to another one or to nobody."""
    table: Table[p.LadderStep] = draft.tables["escalation.tsv"]
    units = draft.tables["units.tsv"].keys
    rows = {row.step_id: (n, row) for n, row in table}
    for n, row in table:
        if bool(row.level) == bool(row.unit):
            yield Problem(table.file, n, "level", "level 与 unit 要写一个,且只写一个")
        if row.unit and row.unit not in units:
            yield Problem(table.file, n, "unit", f"单位 {row.unit} 不在 units.tsv")
        if not row.next:
            continue
        if row.next not in table.keys:
            yield Problem(table.file, n, "next", f"没有步骤 {row.next}")
        elif circle := _circle(rows, row.step_id):
            if n < max(rows[step][0] for step in circle):
                continue  # a circle is one problem, of the line that leads back
            reason = f"升级步骤成环:{' → '.join((*circle, circle[0]))}"
            yield Problem(table.file, n, "next", reason)
        elif (after := rows.get(row.next)) and after[1].minutes <= row.minutes:
            reason = (
                f"下一步 {row.next} 在红灯后 {after[1].minutes} 分钟,应晚于本步 {row.minutes} 分钟"
            )
            yield Problem(table.file, n, "minutes", reason)
    begun = {row.ladder for _, row in draft.tables["deadlines.tsv"]}
    followed = {row.next for _, row in table}
    for n, row in table:
        if draft.tables["deadlines.tsv"].whole and row.step_id not in begun | followed:
            reason = f"没有时限规则用到 {row.step_id}"
            yield Problem(table.file, n, "step_id", reason, warning=True)


def _circle(rows: dict[str, tuple[int, p.LadderStep]], first: str) -> tuple[str, ...]:
    """The steps of the circle that a step is part of, from it; () when it leads to an end."""
    seen: list[str] = []
    at = first
    while at in rows and at not in seen:
        seen.append(at)
        at = rows[at][1].next
    return tuple(seen) if at == first else ()


def check_calendar(draft: Draft) -> Iterator[Problem]:
    """A year whose statutory days are entered by hand has them all, or its limits are wrong."""
    table: Table[p.DayOff] = draft.tables[CALENDAR]
    lines: dict[date, int] = {row.day: n for n, row in table}
    for year, missing in missing_festivals(table.rows).items():
        last = max(n for day, n in lines.items() if day.year == year)
        days = "、".join(f"{day:%m-%d} {name}" for day, name in missing[:4])
        more = f" 等 {len(missing)} 天" if len(missing) > 4 else ""
        reason = f"{year} 年的放假安排有缺口,没有 {days}{more}"
        yield Problem(table.file, last, "day", reason)
