"""What a benchmark found, as JSON and as a table."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass
class Row:
    """A system and its runs; ``value`` is their median. ``note`` says why there is none."""

    system: str
    value: float | None
    unit: str
    runs: list[float]
    note: str = ""


@dataclass
class Result:
    name: str
    machine: str
    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, float | None] = field(default_factory=dict)

    def add(self, system: str, unit: str, runs: list[float], note: str = "") -> float | None:
        value = round(median(runs), 3) if runs else None
        self.rows.append(Row(system, value, unit, [round(r, 3) for r in runs], note))
        return value

    def value(self, system: str, unit: str) -> float | None:
        found = [r.value for r in self.rows if (r.system, r.unit) == (system, unit)]
        return found[0] if found else None

    def ratio(self, name: str, top: float | None, bottom: float | None) -> None:
        self.ratios[name] = round(top / bottom, 3) if top is not None and bottom else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def machine() -> str:
    """Processor, cores, memory, Python, load: what a figure means depends on them."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, {memory} GB, Python {platform.python_version()}, "
        f"load {load:.1f} at the start"
    )
