"""Corrections by people as texts to learn from: out of the store, into ``training/``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.sqlfiles import read_sql
from schemas.profile import Told
from schemas.raw import epoch_ms
from schemas.redact import redact

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FILE = Path("training") / "corrections.tsv"
HEADER = "text\tcode\temergency"


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


def write(told: Iterable[Told], path: Path) -> int:
    """Write them as a training file; how many. OSError when it cannot be written."""
    lines = [HEADER]
    for row in told:
        urgent = "" if row.emergency is None else str(int(row.emergency))
        lines.append(f"{row.text}\t{row.code}\t{urgent}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n", "utf-8")
    part.replace(path)
    return len(lines) - 1


def read(path: Path, known: Iterable[str]) -> list[Told]:
    """Corrections of a file, classes checked. BadCorrections, OSError."""
    codes = set(known)
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BadCorrections(f"{path}:不是 UTF-8 编码") from None
    if lines[0].rstrip("\r") != HEADER:
        raise BadCorrections(f"{path}:1 首行应为 text、code、emergency 三列,用制表符分隔")
    found = []
    for n, line in enumerate(lines[1:], start=2):
        cells = line.rstrip("\r").split("\t")
        if cells == [""]:
            continue
        if len(cells) != 3 or len(cells[0]) < 2 or cells[2] not in ("", "0", "1"):
            raise BadCorrections(f"{path}:{n} 应为 文本、类别代码、紧急(0、1 或空)")
        if cells[1] and cells[1] not in codes:
            raise BadCorrections(f"{path}:{n} 类别 {cells[1]} 不在分类表中")
        urgent = None if cells[2] == "" else cells[2] == "1"
        found.append(Told(text=redact(cells[0]), code=cells[1], emergency=urgent))
    return found


def merge(new: Iterable[Told], profile_dir: Path, known: Iterable[str]) -> int:
    """Add corrections to those a profile already has, the newest answer of each text counting;
    how many there are now. BadCorrections, OSError."""
    path = profile_dir / FILE
    old = read(path, known) if path.exists() else []
    return write({row.text: row for row in [*old, *new]}.values(), path)
