"""One street of the shipped city as a profile of its own: small enough to break a hundred times."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from schemas.profile_files import profile_dir

STREET = "990101001"


def write_street(out: Path) -> Path:
    """Files of a profile that holds only 望海街道, its county and its city."""
    source = profile_dir("qinglan")
    shutil.copytree(source, out)
    (out / "outlines.json").unlink()
    keep(out / "areas.tsv", lambda r: here(r["code"]))
    keep(out / "units.tsv", lambda r: here(r["area"]))
    keep(out / "devices.tsv", lambda r: here(r["grid"]))
    keep(out / "places.tsv", lambda r: here(r["grid"]))
    keep(out / "routes.tsv", lambda r: r["areas"] in ("", "990101"))
    keep(out / "campaigns.tsv", lambda r: r["areas"] == "")
    rings = (out / "grids.geojsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    lines = "".join(line for line in rings if f'"code":"{STREET}' in line)
    (out / "grids.geojsonl").write_text(lines, encoding="utf-8")
    return out


def here(code: str) -> bool:
    return code.startswith(STREET) or STREET.startswith(code)


def keep(path: Path, wanted: Callable[[dict[str, str]], bool]) -> None:
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    names = header.split("\t")
    kept = [r for r in rows if wanted(dict(zip(names, r.split("\t"), strict=True)))]
    path.write_text("\n".join([header, *kept, ""]), encoding="utf-8")


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def put_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def cell(path: Path, line: int, column: str, value: str) -> None:
    """Overwrite one cell; a column the file does not have yet is added."""
    rows = [row.split("\t") for row in lines_of(path)]
    if column not in rows[0]:
        rows = [[*row, ""] for row in rows]
        rows[0][-1] = column
    rows[line - 1][rows[0].index(column)] = value
    put_lines(path, ["\t".join(row) for row in rows])


def route_row(path: Path, **cells: str) -> str:
    """A line for routes.tsv with its columns in the file's order."""
    header = lines_of(path)[0].split("\t")
    assert set(cells) <= set(header)
    return "\t".join(cells.get(column, "") for column in header)


def line_where(path: Path, text: str) -> int:
    """Number of the first line that contains ``text``."""
    return next(n for n, line in enumerate(lines_of(path), start=1) if text in line)
