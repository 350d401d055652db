"""Corrections by people as texts to learn from: out of the store, into ``training/``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from connectors.sqlfiles import read_sql
from schemas.class_table import ClassTable, is_class_table
from schemas.profile import Profile, Told
from schemas.profile_files import load_profile
from schemas.raw import epoch_ms
from schemas.redact import redact

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HEADER = "text\tcode\temergency"
NAMED = "text\tlevel1"  # of a class table, which knows classes by their names of level 1


class Classes(NamedTuple):
    """Classes that corrections may name, each with the one of the profile it means; "" = none."""

    codes: Mapping[str, str]
    names: Mapping[str, str] | None = None  # of a class table; "" = wording of no class


class Corrections(NamedTuple):
    told: list[Told]  # by the classes of the profile
    elsewhere: int = 0  # rows left out: no class of the profile means what theirs does


class BadCorrections(ValueError):
    """Why a file of corrections cannot be learned from: line and reason, in Chinese."""


def recorded(client: Client, since: datetime) -> list[Told]:
    """Classes given by people since then, the newest of each text. StoreError when it fails."""
    rows: Sequence[Sequence[str]] = client.query(
        read_sql("training/corrections.sql"), parameters={"since_ms": epoch_ms(since)}
    ).result_rows
    found: dict[str, Told] = {}
    for title, text, code, emergency, _ in rows:
        said = " ".join(redact(f"{title}。{text}" if title else text).split())
        if len(said) > 1:
            found[said] = Told(text=said, code=code, emergency=bool(emergency))
    return list(found.values())


def classes_of(root: Path, profile: Profile) -> Classes:
    """What corrections for the profile or class table in a folder may name: for a class table its
    own names, and the classes of its base by the crosswalk. ProfileProblems."""
    if not is_class_table(root):
        return Classes({code: code for code in profile.taxonomy})
    table = ClassTable(root)
    assert table.heading is not None, "it has been loaded"
    base = load_profile(table.heading.base)
    walk = table.walk(base)
    meant = {code: table.codes[walk[code]] if code in walk else "" for code in base.taxonomy}
    return Classes(meant, {**table.codes, "": ""})


def write(told: Iterable[Told], path: Path, classes: Classes | None = None) -> int:
    """Write them as a training file, of a class table when ``classes`` has names; how many.
    OSError when it cannot be written."""
    names = classes.names if classes else None
    called = None if names is None else {code: name for name, code in names.items()}
    lines = [HEADER if called is None else NAMED]
    for row in told:
        urgent = "" if row.emergency is None else str(int(row.emergency))
        said = f"{row.code}\t{urgent}" if called is None else called[row.code]
        lines.append(f"{row.text}\t{said}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n", "utf-8")
    part.replace(path)
    return len(lines) - 1


def read(path: Path, classes: Classes) -> Corrections:
    """Corrections of a file, classes checked and translated. BadCorrections, OSError."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BadCorrections(f"{path}:不是 UTF-8 编码") from None
    header = lines[0].rstrip("\r")
    names = classes.names if header == NAMED else None
    if header != HEADER and names is None:
        or_ = "" if classes.names is None else "(或 text、level1 两列)"
        raise BadCorrections(f"{path}:1 首行应为 text、code、emergency 三列{or_},用制表符分隔")
    told, elsewhere = [], 0
    for n, line in enumerate(lines[1:], start=2):
        cells = line.rstrip("\r").split("\t")
        if cells == [""]:
            continue
        if names is None:
            row = _coded(cells, classes.codes, f"{path}:{n}")
        else:
            row = _named(cells, names, f"{path}:{n}")
        if row is None:
            elsewhere += 1
        else:
            told.append(row)
    return Corrections(told, elsewhere)


def _coded(cells: list[str], codes: Mapping[str, str], where: str) -> Told | None:
    """text, code, emergency; None when the class means none of the profile's."""
    if len(cells) != 3 or len(cells[0]) < 2 or cells[2] not in ("", "0", "1"):
        raise BadCorrections(f"{where} 应为 文本、类别代码、紧急(0、1 或空)")
    text, code, urgent = cells
    if code and code not in codes:
        raise BadCorrections(f"{where} 类别 {code} 不在分类表中")
    if code and not codes[code]:
        return None
    emergency = None if urgent == "" else urgent == "1"
    return Told(text=redact(text), code=codes[code] if code else "", emergency=emergency)


def _named(cells: list[str], names: Mapping[str, str], where: str) -> Told:
    """text, level1."""
    if len(cells) != 2 or len(cells[0]) < 2:
        raise BadCorrections(f"{where} 应为 文本、一级分类")
    if cells[1] not in names:
        raise BadCorrections(f"{where} “{cells[1]}” 不在一级分类中")
    return Told(text=redact(cells[0]), code=names[cells[1]], emergency=None)


def merge(new: Iterable[Told], path: Path, classes: Classes) -> int:
    """Add corrections to those a file (``schemas.profile_reading.corrections_file``) already has,
    the newest answer of each text counting; how many there are now. BadCorrections, OSError."""
    old = read(path, classes).told if path.exists() else []
    return write({row.text: row for row in [*old, *new]}.values(), path, classes)
