"""Land of a fictional city: cells with shared, noisy borders, small in town and large outside.

Points thicken towards the centres (Lloyd's relaxation under a density), their Voronoi cells are
the grids. A border's noise depends only on its two ends, so neighbours share it to the digit.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

Point = tuple[float, float]
Vertex = tuple[int, int]  # 1e-5 degrees

LON, LAT = 117.32, 31.28  # the origin of the plane, in degrees
KM_LAT = 111.2
KM_LON = KM_LAT * math.cos(math.radians(LAT))
RADIUS = 31.0  # km, of the outline before it is bent

#: Centres of towns: x, y in km, pull (1 = the city's own centre), reach in km.
CENTRES: tuple[tuple[float, float, float, float], ...] = (
    (0.0, 0.0, 1.0, 6.0),
    (7.5, 3.5, 0.75, 3.5),
    (-7.0, 4.0, 0.65, 3.5),
    (1.0, -8.0, 0.65, 3.2),
    (16.0, -9.0, 0.55, 2.6),
    (-21.0, 9.0, 0.5, 2.2),
    (-13.0, -18.0, 0.5, 2.2),
    (13.0, 20.0, 0.5, 2.2),
)


@dataclass
class Cell:
    """One grid's land. ``ring`` is closed; ``near`` are the cells it shares a border with."""

    x: float
    y: float
    urban: float
    ring: tuple[Point, ...]
    lon: float
    lat: float
    km2: float
    near: set[int] = field(default_factory=set)


def degrees(x: float, y: float) -> Point:
    return LON + x / KM_LON, LAT + y / KM_LAT


def urban(x: float, y: float) -> float:
    """0 open country .. 1 city centre."""
    return min(1.0, sum(p * math.exp(-((math.hypot(x - a, y - b) / r) ** 2) / 1.6)
                        for a, b, p, r in CENTRES))  # fmt: skip


def inside(x: float, y: float) -> bool:
    """Whether a point is land of the city: a bent ellipse with a bay in the south-east."""
    x, y = x / 1.18, y
    turn = math.atan2(y, x)
    edge = RADIUS * (
        0.93
        + 0.07 * math.sin(3 * turn + 0.6)
        + 0.05 * math.sin(5 * turn + 2.0)
        - 0.06 * math.cos(2 * turn)
        + 0.025 * math.sin(11 * turn)
    )
    bay = math.hypot(x - 27.0, y + 19.0) < 11.0
    return math.hypot(x, y) < edge and not bay


def grow(seed: int, points: int) -> list[Cell]:
    """Cells of one connected city, about two thirds of ``points``. Same seed, same land."""
    sites = _relaxed(np.random.default_rng(seed), points)
    polygons = shapely.voronoi_polygons(shapely.multipoints(sites), ordered=True).geoms
    kept = [k for k, (x, y) in enumerate(sites) if inside(float(x), float(y))]
    edges: dict[tuple[Vertex, Vertex], list[Vertex]] = {}
    owners: dict[tuple[Vertex, Vertex], list[int]] = {}
    cells: list[Cell] = []
    for k in kept:
        corners = [_vertex(x, y) for x, y in polygons[k].exterior.coords]
        ring: list[Vertex] = []
        for a, b in itertools.pairwise(corners):
            if a == b:
                continue
            key = (a, b) if a < b else (b, a)
            owners.setdefault(key, []).append(len(cells))
            if key not in edges:
                edges[key] = _noisy(seed, *key)
            ring += [a, *(edges[key] if key[0] == a else edges[key][::-1])]
        points_ = [(u / 1e5, v / 1e5) for u, v in [*ring, ring[0]]]
        shape = shapely.Polygon(points_)
        middle = shape.centroid if shape.contains(shape.centroid) else shape.point_on_surface()
        x, y = (float(c) for c in sites[k])
        cells.append(
            Cell(x, y, urban(x, y), tuple(points_), round(middle.x, 5), round(middle.y, 5),
                 shape.area * KM_LON * KM_LAT)
        )  # fmt: skip
    for pair in owners.values():
        if len(pair) == 2:
            cells[pair[0]].near.add(pair[1])
            cells[pair[1]].near.add(pair[0])
    return _largest_piece(cells)


def divide(
    cells: list[Cell],
    members: list[int],
    parts: int,
    rng: random.Random,
    seeds: Mapping[int, float] | None = None,
) -> list[list[int]]:
    """Split connected cells into ``parts`` connected pieces of about equal count.

    Regions grow along borders from their seeds, so each stays in one piece. ``seeds`` (cell →
    how hard it finds growing) stay where they are, and pieces may differ in count; without them
    regions start far from each other and settle in the middle of what they took.
    """
    if seeds:
        return _flood(cells, members, list(seeds), list(seeds.values()))
    start = _apart(cells, members, parts, rng)
    parts = len(start)
    pull = [1.0] * parts
    target = len(members) / parts
    best: list[list[int]] = []
    for _ in range(9):
        pieces = _flood(cells, members, start, pull)
        if not best or _spread(pieces) < _spread(best):
            best = pieces
        start = [_middle(cells, piece) for piece in pieces]
        pull = [w * (max(len(p), 1) / target) ** 0.35 for w, p in zip(pull, pieces, strict=True)]
    return best


def _relaxed(rng: np.random.Generator, points: int) -> NDArray[np.float64]:
    half = RADIUS * 1.45
    pool = rng.uniform(-half, half, size=(points * 60, 2)) * np.array([1.15, 1.0])
    weight = np.array([0.22 + 0.78 * urban(float(x), float(y)) for x, y in pool])
    pool = pool[rng.random(len(pool)) < weight]
    sites: NDArray[np.float64] = pool[:points].copy()
    for _ in range(5):
        nearest = shapely.STRtree(shapely.points(sites)).nearest(shapely.points(pool))
        count = np.bincount(nearest, minlength=points)
        for axis in (0, 1):
            total = np.bincount(nearest, weights=pool[:, axis], minlength=points)
            sites[:, axis] = np.where(count > 0, total / np.maximum(count, 1), sites[:, axis])
    return sites


def _vertex(x: float, y: float) -> Vertex:
    lon, lat = degrees(x, y)
    return round(lon * 1e5), round(lat * 1e5)


def _noisy(seed: int, a: Vertex, b: Vertex) -> list[Vertex]:
    """Points between two corners, moved sideways by up to 9% of the border's length."""
    length = math.dist(a, b)
    steps = 0 if length < 160 else 1 if length < 700 else 3
    rng = random.Random(f"{seed}:{a}:{b}")
    found = []
    for step in range(1, steps + 1):
        t, side = step / (steps + 1), rng.uniform(-0.09, 0.09)
        found.append((round(a[0] + (b[0] - a[0]) * t - (b[1] - a[1]) * side),
                      round(a[1] + (b[1] - a[1]) * t + (b[0] - a[0]) * side)))  # fmt: skip
    return found


def _largest_piece(cells: list[Cell]) -> list[Cell]:
    left, best = set(range(len(cells))), set[int]()
    while left:
        piece, edge = set[int](), [left.pop()]
        while edge:
            k = edge.pop()
            piece.add(k)
            new = cells[k].near & left
            left -= new
            edge += sorted(new)
        best = max(best, piece, key=len)
    number = {k: n for n, k in enumerate(sorted(best))}
    for k in number:
        cells[k].near = {number[n] for n in cells[k].near if n in number}
    return [cells[k] for k in number]


def _flood(
    cells: list[Cell], members: list[int], start: list[int], pull: list[float]
) -> list[list[int]]:
    free = set(members)
    pieces: list[list[int]] = [[] for _ in start]
    queue = [(0.0, k, part) for part, k in enumerate(start)]
    heapq.heapify(queue)
    while queue:
        cost, k, part = heapq.heappop(queue)
        if k not in free:
            continue
        free.discard(k)
        pieces[part].append(k)
        here = cells[k]
        for n in here.near & free:
            step = math.hypot(here.x - cells[n].x, here.y - cells[n].y) * pull[part]
            heapq.heappush(queue, (cost + step, n, part))
    return pieces


def _apart(cells: list[Cell], members: list[int], parts: int, rng: random.Random) -> list[int]:
    found = [rng.choice(members)]
    gap = dict.fromkeys(members, math.inf)
    while len(found) < min(parts, len(members)):
        last = cells[found[-1]]
        for k in members:
            gap[k] = min(gap[k], math.hypot(cells[k].x - last.x, cells[k].y - last.y))
        found.append(max(members, key=lambda k: (gap[k], k)))
    return found


def _middle(cells: list[Cell], piece: list[int]) -> int:
    x = sum(cells[k].x for k in piece) / len(piece)
    y = sum(cells[k].y for k in piece) / len(piece)
    return min(piece, key=lambda k: math.hypot(cells[k].x - x, cells[k].y - y))


def _spread(pieces: list[list[int]]) -> int:
    return max(map(len, pieces)) - min(map(len, pieces))
