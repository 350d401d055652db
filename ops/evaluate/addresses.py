"""Location on addresses and texts written by hand, none of them by a template or the simulator.

``tests/decide/addresses.tsv``: what was said, and the finest area (and building) that anybody who
knows the city could tell from it. Right means exactly that: neither coarser nor finer.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ops.evaluate.figures import Table
from schemas.profile import Profile
from streams.core.locate import Locator

FILE = Path(__file__).parents[2] / "tests" / "decide" / "addresses.tsv"


class Told(NamedTuple):
    kind: str
    address: str
    text: str
    area: str
    building: str


Answer = tuple[str, str]  # finest area code, building


def told() -> list[Told]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Told(**row) for row in csv.DictReader(file, delimiter="\t", quoting=3)]


def addresses(profile: Profile) -> Table:
    columns = ("kind", "texts", "right", "village right", "misplaced", "baseline right",
               "baseline misplaced")  # fmt: skip
    table = Table("地点:手写地址 location, addresses written by hand", columns)
    if not FILE.exists():
        table.note = "skipped: not a checkout"
        return table
    table.note = (
        "misplaced: an area that does not hold the place; baseline: the longest name in the text, "
        "as written in the tables"
    )
    rows, locator = told(), Locator(profile)

    def ours(row: Told) -> Answer:
        found = locator.locate("", None, None, row.address, row.text, 0)
        return found.site.area, found.building

    plain = _longest_name(profile)
    for kind in ("all", *dict.fromkeys(row.kind for row in rows)):
        those = [row for row in rows if kind in ("all", row.kind)]
        right, village, off = _shares(those, ours)
        base_right, _, base_off = _shares(those, plain)
        table.add(kind, len(those), right, village, off, base_right, base_off)
    return table


def _shares(rows: list[Told], answer: Callable[[Told], Answer]) -> tuple[float, float, float]:
    said = [(row, answer(row)) for row in rows]
    right = sum((row.area, row.building) == one for row, one in said)
    village = sum(row.area[:12] == one[0][:12] for row, one in said)
    off = sum(not row.area.startswith(one[0]) for row, one in said)
    return right / len(rows), village / len(rows), off / len(rows)


def _longest_name(profile: Profile) -> Callable[[Told], Answer]:
    """The longest name of a place or area in the text, if only one area has it."""
    known: dict[str, set[Answer]] = {}
    for place in profile.places.values():
        building = place.place_id if place.kind == "building" else ""
        for name in (place.name, *place.aliases):
            known.setdefault(name, set()).add((place.grid, building))
    for area in profile.areas.values():
        known.setdefault(area.name, set()).add((area.code, ""))
    names = sorted(known, key=len, reverse=True)

    def answer(row: Told) -> Answer:
        said = row.address + row.text
        name = next((n for n in names if n in said and len(known[n]) == 1), "")
        return next(iter(known[name])) if name else (profile.station.city, "")

    return answer
