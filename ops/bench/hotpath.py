"""Events a second from Kafka to a decision, and on into the store."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ops.bench.consumer import SYSTEMS
from ops.bench.feed import calm
from ops.bench.result import Result, machine
from ops.bench.site import DidNotStart, Site
from schemas.profile_files import load_profile

TOPIC = "raw.fire"
UNIT, CPU, MEMORY = "events/s", "µs CPU an event", "MB peak"
OURS, STORED = "gridwhistle", "gridwhistle with store"
PEERS = ("quixstreams", "bytewax", "faststream", "sentry-arroyo")
LIMITS = ("confluent-kafka", "aiokafka")
SLOW = {"stock faust": 10, "quixstreams": 2}  # they get so many times fewer records
PYTHON = "GRIDWHISTLE_BENCH_PYTHON"  # an environment that has the peers; default: .venv-bench


def peers_python() -> str:
    given = os.environ.get(PYTHON, "")
    beside = Path(__file__).parents[2] / ".venv-bench" / "bin" / "python"
    return given or (str(beside) if beside.exists() else sys.executable)


def run(quick: bool) -> Result:
    count, rounds = (60_000, 1) if quick else (400_000, 5)
    result = Result("hotpath", machine())
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    with Site() as site:
        result.machine += f"; {site.broker}"
        site.fill(TOPIC, calm(load_profile(site.profile), count))
        for _ in range(rounds):
            for system in (OURS, STORED, *SYSTEMS):
                if system in missing:
                    continue
                try:
                    found = _one(site, system, count // SLOW.get(system, 1))
                except DidNotStart as why:
                    missing[system] = str(why)
                    continue
                rates.setdefault(system, []).append(found["rate"])
                costs.setdefault(system, []).append(found["cpu_us"])
                peaks.setdefault(system, []).append(found["peak_mb"])
    for system in (OURS, STORED, *SYSTEMS):
        result.add(system, UNIT, rates.get(system, []), missing.get(system, ""))
    for unit, found_runs in ((CPU, costs), (MEMORY, peaks)):
        for system in (OURS, STORED, *SYSTEMS):
            if system in found_runs:
                result.add(system, unit, found_runs[system])
    ours = result.value(OURS, UNIT)
    best = max((result.value(p, UNIT) or 0.0 for p in PEERS), default=0.0)
    limit = max((result.value(p, UNIT) or 0.0 for p in LIMITS), default=0.0)
    result.ratio("vs_stock", ours, result.value("stock faust", UNIT))
    result.ratio("vs_best_peer", ours, best)
    result.ratio("vs_limit", ours, limit)
    result.ratio("with_store_vs_without", result.value(STORED, UNIT), ours)
    return result


def _one(site: Site, system: str, count: int) -> dict[str, float]:
    if system in (OURS, STORED):
        with_what = "store" if system == STORED else "nothing"
        site.forget_rows()
        process = site.start("-m", "ops.bench.ours", with_what, str(count))
    else:
        process = site.start(
            "-m",
            "ops.bench.consumer",
            system,
            TOPIC,
            str(count),
            python=peers_python() if system in PEERS else sys.executable,
        )
    try:
        found: dict[str, float] = json.loads(process.said("done ", 240))
        return found
    finally:
        process.stop()
