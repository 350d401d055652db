"""Places of a fictional city: roads in stretches, estates and buildings, what people steer by."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import shapely

from ops.profiles.land import Cell
from ops.profiles.names import Pool
from ops.profiles.tree import Node

GATED = 101  # estates that are fully equipped: gates, lifts, fire alarms, facade cameras


@dataclass(frozen=True)
class Spot:
    """A place. ``floors`` is how high a building is; 0 for anything else."""

    place_id: str
    kind: str
    name: str
    grid: str
    lon: float
    lat: float
    aliases: tuple[str, ...] = ()
    parent: str = ""
    number_from: int | None = None
    number_to: int | None = None
    floors: int = 0


@dataclass
class Settling:
    """What is being built: the land, who owns each cell, and the places so far."""

    cells: list[Cell]
    tree: dict[str, Node]
    rng: random.Random
    pool: Pool
    grid_of: list[str]
    spots: list[Spot] = field(default_factory=list)

    def add(self, kind: str, name: str, cell: int, *aliases: str, **more: object) -> Spot:
        lon, lat = somewhere(self.cells[cell], self.rng)
        number = f"P{len(self.spots) + 1:05d}"
        spot = Spot(number, kind, name, self.grid_of[cell], lon, lat, aliases, **more)  # type: ignore[arg-type]
        self.spots.append(spot)
        return spot


def somewhere(cell: Cell, rng: random.Random) -> tuple[float, float]:
    """A point inside a cell, seldom near its border."""
    shape = shapely.Polygon(cell.ring)
    for _ in range(4):
        corner = rng.choice(cell.ring)
        t = rng.uniform(0.05, 0.75)
        lon = round(cell.lon + (corner[0] - cell.lon) * t, 5)
        lat = round(cell.lat + (corner[1] - cell.lat) * t, 5)
        if shape.contains(shapely.Point(lon, lat)):
            return lon, lat
    return cell.lon, cell.lat


def settle(cells: list[Cell], tree: dict[str, Node], rng: random.Random) -> list[Spot]:
    """All places, roads first. The first ``GATED`` estates listed are those in the city."""
    grid_of = [""] * len(cells)
    for node in tree.values():
        if node.level == "grid":
            grid_of[node.cells[0]] = node.code
    city = Settling(cells, tree, rng, Pool(rng), grid_of)
    _roads(city)
    for node in tree.values():
        if node.level == "town":
            _town(city, node)
        elif node.level == "village":
            _village(city, node)
        elif node.theme:
            _theme(city, node)
    return city.spots


def _roads(city: Settling) -> None:
    """Each road walks from cell to cell, keeping its bearing; one stretch of numbers a cell."""
    weight = [0.12 + c.urban for c in city.cells]
    starts = city.rng.choices(range(len(city.cells)), weights=weight, k=330)
    for start in starts:
        wide = city.rng.random() < 0.3
        name, bearing = city.pool.road(wide), city.rng.uniform(0, math.tau)
        path = _walk(city.cells, start, bearing, city.rng.randint(4, 7) + (5 if wide else 0))
        number = 1
        for cell in path:
            span = city.rng.randrange(28, 78, 2)
            city.add("road", name, cell, *_road_aliases(name),
                     number_from=number, number_to=number + span - 1)  # fmt: skip
            number += span


def _walk(cells: list[Cell], start: int, bearing: float, steps: int) -> list[int]:
    path = [start]
    while len(path) < steps:
        here = cells[path[-1]]
        ahead = [n for n in sorted(here.near) if n not in path]
        if not ahead:
            break

        def turn(n: int, here: Cell = here) -> float:
            angle = math.atan2(cells[n].y - here.y, cells[n].x - here.x)
            return abs(math.remainder(angle - bearing, math.tau))

        nearest = min(ahead, key=turn)
        if turn(nearest) > 1.2:
            break
        path.append(nearest)
    return path


def _road_aliases(name: str) -> tuple[str, ...]:
    return (name[:-2] + "路",) if name.endswith("大道") else ()


def _town(city: Settling, town: Node) -> None:
    """A seat with its market, health centre, schools, square and stations."""
    short, rng = town.short, city.rng
    near = sorted(
        town.cells,
        key=lambda k: math.hypot(city.cells[k].lon - town.lon, city.cells[k].lat - town.lat),
    )
    pick = [rng.choice(near[: max(6, len(near) // 2)]) for _ in range(12)]
    rural = town.code[6:] >= "100"
    city.add(
        "market", f"{short}农贸市场", pick[0], f"{short}菜场", f"{short}菜市场", f"{short}市场"
    )
    if rural:
        city.add("market", f"{short}集贸市场", pick[1], f"{short}集市")
        city.add("landmark", f"{short}中心卫生院", pick[2], f"{short}卫生院")
    else:
        city.add("market", f"{short}生鲜超市", pick[1])
        city.add("landmark", f"{short}社区卫生服务中心", pick[2], f"{short}卫生服务中心")
    city.add("school", f"{short}中心小学", pick[3], f"{short}小学")
    city.add("school", f"{short}中学", pick[4], f"{short}初中")
    city.add("school", f"{short}幼儿园", pick[5], f"{short}幼儿园分园")
    city.add("landmark", f"{short}文化广场", pick[6], f"{short}广场")
    city.add("landmark", f"{short}公园", pick[7])
    city.add("landmark", f"{short}便民服务中心", pick[8], f"{short}办事大厅")
    city.add("landmark", f"{short}消防站", pick[9])
    if town.urban > 0.5:
        for exit_ in ("A", "B"):
            city.add("station", f"地铁{short}站{exit_}口", pick[10], f"{short}地铁站{exit_}口")
        city.add("landmark", f"{short}购物中心", pick[11], f"{short}商场", f"{short}广场商城")
    else:
        city.add("station", f"{short}汽车站", pick[10], f"{short}客运站", f"{short}车站")
    if town.code.endswith("001"):
        seat = city.tree[town.parent].short
        city.add("landmark", f"{seat}人民医院", pick[1], f"{seat}医院", f"{seat}人医")
        city.add("station", f"{seat}火车站", pick[5], f"{seat}站")
        city.add("landmark", f"{seat}体育馆", pick[8], f"{seat}体育中心")
        city.add("market", f"{seat}建材市场", pick[9], f"{seat}建材城")


def _village(city: Settling, village: Node) -> None:
    homes = [k for k in village.cells if city.tree[city.grid_of[k]].kind == "base"]
    seat = village.cells[0]
    if village.name.endswith("村"):
        city.add("landmark", f"{village.name}村委会", seat, f"{village.name}村部")
        if city.rng.random() < 0.4:
            city.add("landmark", f"{village.name}文化礼堂", seat)
        return
    city.add("landmark", f"{village.name}居委会", seat, f"{village.short}居委会",
             f"{village.name}党群服务中心")  # fmt: skip
    count = 3 if village.urban > 0.5 else 2 if village.urban > 0.15 else 1
    for _ in range(count):
        _estate(city, city.rng.choice(homes), village.urban)


def _estate(city: Settling, cell: int, urban: float) -> None:
    name, rng = city.pool.estate(city.grid_of[cell][:12]), city.rng
    aliases = () if name.endswith(("小区", "新村", "宿舍", "家属院")) else (f"{name}小区",)
    estate = city.add("estate", name, cell, *aliases)
    tall = rng.random() < 0.25 + 0.5 * urban
    for block in range(1, rng.randint(3, 9 if urban > 0.3 else 6) + 1):
        floors = rng.choice((11, 17, 18, 26, 27, 33)) if tall else rng.choice((5, 6, 6, 7))
        city.add("building", f"{name}{block}栋", cell, parent=estate.place_id, floors=floors)


def _theme(city: Settling, grid: Node) -> None:
    """What an exclusive grid is about has a place in it."""
    near = city.tree[grid.parent].short.removesuffix("村")
    kind, name, *aliases = {
        "商圈": ("landmark", f"{near}商业广场", f"{near}商圈"),
        "校园": ("school", f"{near}实验学校", f"{near}学校"),
        "园区": ("landmark", f"{near}产业园", f"{near}工业园"),
        "医院": ("landmark", f"{near}康复医院"),
        "市场": ("market", f"{near}批发市场", f"{near}批发城"),
        "站场": ("station", f"{near}公交枢纽站", f"{near}公交站"),
        "景区": ("landmark", f"{near}风景区", f"{near}景区"),
    }[grid.theme]
    city.add(kind, name, grid.cells[0], *aliases)
