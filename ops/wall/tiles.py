"""The tiles of the wall: one ``.sql`` and one row in ``TILES`` each.

Every statement gets ``now_ms``, ``today_ms`` (start of the Shanghai day), ``area`` (the viewer's
region, '' = the whole city) and ``limit``; it uses what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from connectors.sqlfiles import read_sql
from ops.wall.store import Row
from schemas.ids import SHANGHAI

DAY_MS = 86_400_000
LIMIT = 40  # rows of the lists: an ultra-wide wall shows more than 14


@dataclass(frozen=True)
class Scope:
    """A region: its area code prefix and its grids in the order of the map."""

    area: str
    grids: Mapping[str, int]  # grid code → position in /api/v1/geo/grids


Decode = Callable[[list[Row], Scope], Any]


class Tile(NamedTuple):
    name: str  # of the tile and of sql/tiles/<name>.sql
    every: float  # seconds between two runs
    decode: Decode
    words: str

    @property
    def sql(self) -> str:
        return read_sql(f"tiles/{self.name}.sql")


def one(rows: list[Row], scope: Scope) -> Row:
    """The only row: {column: value}."""
    (row,) = rows
    return row


def listed(rows: list[Row], scope: Scope) -> list[Row]:
    """The rows as they are."""
    return rows


def on_map(rows: list[Row], scope: Scope) -> list[int]:
    """One count a grid, in the order of the map. Grids the map no longer has are left out."""
    counts = [0] * len(scope.grids)
    for row in rows:
        if (position := scope.grids.get(row["grid"])) is not None:
            counts[position] = row["events"]
    return counts


def points(rows: list[Row], scope: Scope) -> list[list[int]]:
    """[position of the grid on the map, red, yellow, emergencies] for each grid with a light."""
    return [
        [scope.grids[row["grid"]], row["red"], row["yellow"], row["emergencies"]]
        for row in rows
        if row["grid"] in scope.grids
    ]


def hours(rows: list[Row], scope: Scope) -> dict[str, list[int]]:
    """{"yesterday": 24 counts, "today": 24 counts}, by Shanghai hour."""
    counts = [0] * 48
    for row in rows:
        counts[row["hour"]] = row["events"]
    return {"yesterday": counts[:24], "today": counts[24:]}


def fresh(rows: list[Row], scope: Scope) -> Row:
    """Newest times, whether any is simulated, and how long a silence is still normal."""
    row = one(rows, scope)
    # Five mean gaps: in a steady (Poisson) stream one silence in 150 is longer.
    gap = min(600.0, 5 * 600 / row["recent"]) if row["recent"] else 600.0
    return row | {"simulated": bool(row["simulated"]), "expected_gap_seconds": round(gap, 1)}


# fmt: off
TILES: tuple[Tile, ...] = (
    Tile("freshness",      2.0, fresh,  "数据新鲜度"),
    Tile("headline",       2.0, one,    "总体情况"),
    Tile("alerts",         2.0, listed, "最新告警"),
    Tile("lights",         2.0, listed, "红黄灯督办"),
    Tile("lights_by_grid", 2.0, points, "网格红黄灯"),
    Tile("by_grid",        6.0, on_map, "网格 24 小时事件"),
    Tile("trend_24h",     10.0, hours,  "24 小时趋势"),
    Tile("by_channel",    10.0, listed, "来源渠道"),
    Tile("by_class",      10.0, listed, "事件类别"),
)
# fmt: on


def parameters(now_ms: int, area: str) -> dict[str, object]:
    """Parameters of every tile at that moment for that region."""
    return {"now_ms": now_ms, "today_ms": day_start(now_ms), "area": area, "limit": LIMIT}


def day_start(now_ms: int) -> int:
    """Start of the Shanghai day, epoch milliseconds UTC."""
    local = datetime.fromtimestamp(now_ms / 1000, SHANGHAI)
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
