"""The five-level tree of a fictional city, laid over its land (codes of GB/T 34300-2017)."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from ops.profiles.land import Cell, divide
from ops.profiles.names import COUNTIES, TOWNSHIPS, Pool, ordinal

CITY = "9901"
CITY_NAME = "清澜市"

#: Exclusive grids: what they are about, households, in town only.
EXCLUSIVE: tuple[tuple[str, int, bool], ...] = (
    ("商圈",   20, True),
    ("校园",   0,  False),
    ("园区",   40, False),
    ("医院",   0,  True),
    ("市场",   30, True),
    ("站场",   0,  True),
    ("景区",   10, False),
)  # fmt: skip


@dataclass
class Node:
    """An area of any level. ``cells`` are numbers of land cells; a grid has one."""

    code: str
    name: str
    level: str
    parent: str
    cells: list[int]
    lon: float = 0.0
    lat: float = 0.0
    kind: str = ""
    theme: str = ""
    households: int = 0
    km2: float = 0.0
    urban: float = 0.0
    short: str = ""
    children: list[str] = field(default_factory=list)


def plant(cells: list[Cell], rng: random.Random) -> dict[str, Node]:
    """All areas by code, parents before children."""
    pool, tree = Pool(rng), dict[str, Node]()
    everything = list(range(len(cells)))
    tree[CITY] = Node(CITY, CITY_NAME, "city", "", everything, short="清澜")
    seats = {_nearest(cells, everything, c.x, c.y): c.slow for c in COUNTIES}
    for county, piece in zip(COUNTIES, divide(cells, everything, 8, rng, seats), strict=True):
        tree[county.code] = Node(
            county.code, county.name, "county", CITY, piece, short=county.short
        )
        seat = _nearest(cells, piece, county.x, county.y)
        names = [*county.streets, *county.towns]
        pieces = divide(cells, piece, len(names), rng)
        pieces.sort(key=lambda p: -_mean_urban(cells, p))
        streets, towns, townships = 0, 0, 0
        for name, town in zip(names, pieces, strict=True):
            if name in county.streets:
                streets, suffix, number = streets + 1, "街道", streets + 1
            elif name in TOWNSHIPS:
                townships, suffix, number = townships + 1, "乡", 200 + townships
            else:
                towns, suffix, number = towns + 1, "镇", 100 + towns
            code = f"{county.code}{number:03d}"
            tree[code] = Node(code, name + suffix, "town", county.code, town, short=name)
            _villages(cells, tree, tree[code], number < 100, rng, pool)
        tree[county.code].lon, tree[county.code].lat = cells[seat].lon, cells[seat].lat
    _sum_up(cells, tree)
    return tree


def _villages(
    cells: list[Cell],
    tree: dict[str, Node],
    town: Node,
    street: bool,
    rng: random.Random,
    pool: Pool,
) -> None:
    parts = max(2, round(len(town.cells) / rng.uniform(5.0, 6.4)))
    pieces = divide(cells, town.cells, parts, rng)
    pieces.sort(key=lambda p: -_mean_urban(cells, p))
    committees = len(pieces) if street else max(1, len(pieces) // 6)
    if street and _mean_urban(cells, town.cells) < 0.25:
        committees = max(1, len(pieces) * 2 // 3)
    seats = 0
    for n, piece in enumerate(pieces):
        urban = n < committees
        seats = seats + 1 if urban else seats
        number = seats if urban else 200 + n - committees
        code = f"{town.code}{number:03d}"
        name = pool.community() if urban else pool.village()
        tree[code] = Node(
            code, name, "village", town.code, piece, short=name[:-2] if urban else name
        )
        _grids(cells, tree, tree[code], urban, rng)


def _grids(
    cells: list[Cell], tree: dict[str, Node], village: Node, urban: bool, rng: random.Random
) -> None:
    seat = cells[village.cells[0]]
    order = sorted(
        village.cells, key=lambda k: math.hypot(cells[k].x - seat.x, cells[k].y - seat.y)
    )
    themes = [t for t in EXCLUSIVE if urban or not t[2]]
    base = special = 0
    for n, k in enumerate(order, start=1):
        code = f"{village.code}{n:03d}"
        cell = cells[k]
        if n > 2 and special == 0 and rng.random() < (0.09 if urban else 0.03):
            special += 1
            theme, households, _ = rng.choice(themes)
            node = Node(code, f"{theme}专属网格", "grid", village.code, [k], kind="exclusive",
                        theme=theme, households=households)  # fmt: skip
        else:
            base += 1
            middle = 190 + 190 * cell.urban + (40 if urban else 0)
            households = max(60, round(rng.gauss(middle, 45)))
            node = Node(code, f"{ordinal(base)}网格", "grid", village.code, [k], kind="base",
                        households=households)  # fmt: skip
        tree[code] = node


def _sum_up(cells: list[Cell], tree: dict[str, Node]) -> None:
    for node in tree.values():
        node.urban = _mean_urban(cells, node.cells)
        node.km2 = sum(cells[k].km2 for k in node.cells)
        if not node.lon:
            x = sum(cells[k].x for k in node.cells) / len(node.cells)
            y = sum(cells[k].y for k in node.cells) / len(node.cells)
            seat = cells[_nearest(cells, node.cells, x, y)]
            node.lon, node.lat = seat.lon, seat.lat
    for node in reversed(list(tree.values())):
        if node.parent:
            tree[node.parent].households += node.households
    for node in tree.values():
        if node.parent:
            tree[node.parent].children.append(node.code)


def _mean_urban(cells: list[Cell], members: list[int]) -> float:
    return sum(cells[k].urban for k in members) / len(members)


def _nearest(cells: list[Cell], members: list[int], x: float, y: float) -> int:
    return min(members, key=lambda k: (math.hypot(cells[k].x - x, cells[k].y - y), k))
