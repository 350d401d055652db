"""Profiles by name or directory: load, check, digest.

All problems are collected, not just the first. ``load_profile`` raises them; ``check_profile``
returns them with warnings.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from schemas import profile as p
from schemas.class_table import TOML as CLASSES
from schemas.class_table import ClassTable, is_class_table
from schemas.profile_checks import cross_check
from schemas.profile_reading import (
    FILES,
    OUTLINES,
    SHIPPED,
    TOML,
    Draft,
    Problem,
    digest_name,
    read,
    training_files,
)

__all__ = [
    "FILES",
    "OUTLINES",
    "Problem",
    "ProfileProblems",
    "check_profile",
    "load_classes",
    "load_profile",
    "profile_digest",
    "profile_dir",
    "profile_name",
    "shipped_profiles",
]

#: rule files whose rows are named by their lines when they decide
RULES = ("routes.tsv", "campaigns.tsv", "deadlines.tsv")


class ProfileProblems(ValueError):
    """A profile that cannot be used; ``problems`` holds every reason."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [f"  {problem}" for problem in problems[:20]]
        if len(problems) > 20:
            shown.append(f"  …… 另有 {len(problems) - 20} 处")
        super().__init__("\n".join([f"配置档 {name} 有 {len(problems)} 处错误：", *shown]))


def load_profile(name_or_path: str | Path) -> p.Profile:
    """A shipped profile by name or any by directory. Raises ProfileProblems; about 0.3 s."""
    draft, found, digest = _examine(profile_dir(name_or_path))
    errors = [problem for problem in found if not problem.warning]
    if errors or draft.station is None:
        raise ProfileProblems(str(name_or_path), errors)
    rows = {file: table.rows for file, table in draft.tables.items()}
    return p.Profile(
        station=draft.station,
        areas={row.code: row for row in rows["areas.tsv"]},
        rings=draft.rings,
        taxonomy={row.code: row for row in rows["taxonomy.tsv"]},
        grades={row.grade: row for row in rows["grades.tsv"]},
        channels={row.channel_id: row for row in rows["channels.tsv"]},
        device_events=tuple(rows["device_events.tsv"]),
        units={row.unit_id: row for row in rows["units.tsv"]},
        devices={row.device_id: row for row in rows["devices.tsv"]},
        places={row.place_id: row for row in rows["places.tsv"]},
        routes=tuple(rows["routes.tsv"]),
        deadlines=tuple(rows["deadlines.tsv"]),
        days_off=tuple(rows["calendar.tsv"]),
        phrases=tuple(rows["phrases.tsv"]),
        ladder_steps={row.step_id: row for row in rows["escalation.tsv"]},
        disputes=tuple(rows["disputes.tsv"]),
        alarm_rules=tuple(rows["alarm_rules.tsv"]),
        alarm_patterns=tuple(rows["alarm_patterns.tsv"]),
        maintenance=tuple(rows["maintenance.tsv"]),
        heartbeats=tuple(rows["heartbeats.tsv"]),
        patrols=tuple(rows["patrols.tsv"]),
        training=tuple(row for table in draft.training for row in table.rows),
        platforms={row.platform_id: row for row in rows["platforms.tsv"]},
        campaigns={row.campaign_id: row for row in rows["campaigns.tsv"]},
        lines={file: tuple(draft.tables[file].lines) for file in RULES},
        digest=digest,
        warnings=tuple(str(problem) for problem in found if problem.warning),
    )


def load_classes(name_or_path: str | Path) -> p.Profile:
    """What classification needs: a profile, or a class table (``schemas.class_table``) with its
    base. Raises ProfileProblems."""
    root = profile_dir(name_or_path)
    if not is_class_table(root):
        return load_profile(name_or_path)
    table = ClassTable(root)
    if table.problems or table.heading is None:
        raise ProfileProblems(str(name_or_path), table.problems)
    return table.profile(load_profile(table.heading.base))


def check_profile(name_or_path: str | Path) -> list[Problem]:
    """Everything wrong with a profile or a class table, errors first, in file and line order.
    [] = good."""
    if is_class_table(profile_dir(name_or_path)):
        return _check_classes(profile_dir(name_or_path))
    found = _examine(profile_dir(name_or_path))[1]
    order = {file: n for n, file in enumerate((*FILES, OUTLINES))}
    return sorted(found, key=lambda f: (f.warning, order.get(f.file, 99), f.line))


def profile_dir(name_or_path: str | Path) -> Path:
    """Directory of a profile: a shipped one's when there is one of that name, else the path."""
    if isinstance(name_or_path, str) and re.fullmatch(r"[a-z0-9_]+", name_or_path):
        shipped = SHIPPED / name_or_path
        if shipped.is_dir():
            return shipped
    return Path(name_or_path)


def shipped_profiles() -> list[str]:
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{TOML}"))


def profile_name(directory: Path) -> str:
    """A name for a new profile, from its directory: small letters, digits, underscores."""
    return re.sub(r"[^a-z0-9]+", "_", directory.resolve().name.lower()).strip("_") or "profile"


def profile_digest(name_or_path: str | Path) -> str:
    """sha256 over names and bytes of a profile's files; changes with any byte of any of them."""
    root, total = profile_dir(name_or_path), hashlib.sha256()
    for file in sorted((*FILES, OUTLINES, *training_files(root))):
        path = root / file
        if path.is_file():
            body = path.read_bytes()
            total.update(f"{digest_name(file)}\0{len(body)}\0".encode())
            total.update(body)
    return total.hexdigest()


def _check_classes(root: Path) -> list[Problem]:
    table = ClassTable(root)
    if table.heading is None or table.problems:
        return table.problems
    try:
        base = load_profile(table.heading.base)
    except ProfileProblems as problems:
        return [Problem(CLASSES, 0, "base", f"{table.heading.base} 不能用：{problems}")]
    known = [code[:n] for code in base.taxonomy for n in (2, 4, 6)]
    rows = table.rows["crosswalk.tsv"]
    return [
        Problem("crosswalk.tsv", n, "prefix", f"{table.heading.base} 没有类别 {row['prefix']}")
        for n, row in rows
        if row["prefix"] not in known
    ]


def _examine(root: Path) -> tuple[Draft, list[Problem], str]:
    if is_class_table(root):
        return Draft(), [Problem(CLASSES, 0, "", "只是分类表，仅供 classify 使用")], ""
    if not root.is_dir():
        known = "、".join(shipped_profiles())
        reason = f"没有这个名字的配置档，也没有这个目录；自带的有：{known}"
        return Draft(), [Problem(str(root), 0, "", reason)], ""
    draft, found = read(root)
    found += cross_check(draft)
    return draft, found, profile_digest(root)
