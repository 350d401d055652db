"""Make the fictional city 清澜市 as profile files: ``python -m ops.profiles.city OUT_DIR``.

Writes areas.tsv, grids.geojsonl, places.tsv, devices.tsv, units.tsv and outlines.json. The same
seed gives the same bytes with the same versions of numpy and GEOS.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path

from ops.profiles.devices import equip
from ops.profiles.geometry import outlines
from ops.profiles.land import grow
from ops.profiles.places import settle
from ops.profiles.tree import plant
from ops.profiles.units import staff

SEED = 9901
POINTS = 10_900  # sites scattered; those on the city's land become its grids
VALID_FROM = "2025-01-01"


def write(out: Path, seed: int = SEED, points: int = POINTS) -> dict[str, int]:
    """Write the city's files into ``out``; returns rows by file."""
    out.mkdir(parents=True, exist_ok=True)
    cells = grow(seed, points)
    tree = plant(cells, random.Random(f"{seed}:tree"))
    spots = settle(cells, tree, random.Random(f"{seed}:places"))
    gadgets = equip(cells, tree, spots, random.Random(f"{seed}:devices"))
    rings = {n.code: cells[n.cells[0]].ring for n in tree.values() if n.level == "grid"}
    (out / "grids.geojsonl").write_text(
        "".join(f"{_feature(code, ring)}\n" for code, ring in rings.items()), encoding="utf-8"
    )
    lines = json.dumps(outlines(rings), separators=(",", ":"))
    (out / "outlines.json").write_text(lines + "\n", encoding="utf-8")
    return {
        "grids.geojsonl": len(rings),
        "areas.tsv": _table(
            out / "areas.tsv",
            "code name level parent kind households km2 lon lat valid_from",
            ((n.code, n.name, n.level, n.parent, n.kind, n.households, f"{n.km2:.3f}",
              f"{n.lon:.5f}", f"{n.lat:.5f}", VALID_FROM if n.level == "grid" else "")
             for n in tree.values()),
        ),
        "places.tsv": _table(
            out / "places.tsv",
            "place_id kind name aliases grid parent number_from number_to lon lat",
            ((s.place_id, s.kind, s.name, "|".join(s.aliases), s.grid, s.parent,
              s.number_from or "", s.number_to or "", f"{s.lon:.5f}", f"{s.lat:.5f}")
             for s in spots),
        ),
        "devices.tsv": _table(
            out / "devices.tsv",
            "device_id channel kind name grid building zone lon lat",
            ((g.device_id, g.channel, g.kind, g.name, g.grid, g.building, g.zone,
              f"{g.lon:.5f}", f"{g.lat:.5f}") for g in gadgets),
        ),
        "units.tsv": _table(
            out / "units.tsv",
            "unit_id name name_en department level area",
            ((u.unit_id, u.name, u.name_en, u.department, u.level, u.area) for u in staff(tree)),
        ),
    }  # fmt: skip


def _feature(code: str, ring: Iterable[tuple[float, float]]) -> str:
    points = ",".join(f"[{lon:.5f},{lat:.5f}]" for lon, lat in ring)
    return (
        f'{{"type":"Feature","properties":{{"code":"{code}"}},'
        f'"geometry":{{"type":"Polygon","coordinates":[[{points}]]}}}}'
    )


def _table(path: Path, header: str, rows: Iterable[tuple[object, ...]]) -> int:
    lines = ["\t".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["\t".join(header.split()), *lines, ""]), encoding="utf-8")
    return len(lines)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ops.profiles.city OUT_DIR")
    for file, rows in write(Path(sys.argv[1])).items():
        print(f"{file}\t{rows}")


if __name__ == "__main__":
    main()
