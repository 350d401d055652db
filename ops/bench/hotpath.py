"""Events a second from Kafka to a decision, and on into the store.

What each side does, from the same topic, with the same rules, in one process:

- ``gridwhistle``: the intake worker as it ships, its rows thrown away: claims of partitions, order,
  repeats, acknowledgements and commits included; it reads with msgspec and decides in bulk.
- a system's name: that system in its batch form where it has one, deciding record by record with
  our functions for one record (pydantic), as its user would. No repeats, no claims.
- a name with ``+ bulk``: the same handing its batches to our bulk function. The fastest that any
  of them could be made; it still keeps no claims, no order of repeats, no rows.

- ``store alone``: the blocks of the same events, made before the clock starts, put into the same
  store one after another. On a machine of few cores worker, broker and store share them, so what
  each takes of an event in CPU time is shown too: of the store in ``µs CPU an event, store``.

``vs_best_peer`` and ``vs_limit`` (the bare loops) compare with the second kind, ``…_bulk`` with the
third: there the whole advantage of deciding in bulk is given away, and what keeping the promises
costs remains.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ops.bench.consumer import IN_BULK, SYSTEMS
from ops.bench.feed import calm
from ops.bench.result import Result, machine
from ops.bench.site import DidNotStart, Site
from schemas.profile_files import load_profile

TOPIC = "raw.fire"
UNIT, CPU, MEMORY = "events/s", "µs CPU an event", "MB peak"
STORE_CPU = "µs CPU an event, store"
OURS, STORED, ALONE = "gridwhistle", "gridwhistle with store", "store alone"
PEERS = ("quixstreams", "bytewax", "faststream", "sentry-arroyo")
LIMITS = ("confluent-kafka", "aiokafka")
BULK_PEERS = tuple(name + IN_BULK for name in ("bytewax", "faststream"))  # the fastest two
BULK_LIMITS = tuple(name + IN_BULK for name in LIMITS)
ALL = (OURS, STORED, ALONE, *SYSTEMS, *BULK_PEERS, *BULK_LIMITS)
SLOW = {"stock faust": 20, "quixstreams": 4, "sentry-arroyo": 2}  # so many times fewer records
FIGURES = ((UNIT, "rate"), (CPU, "cpu_us"), (STORE_CPU, "store_us"), (MEMORY, "peak_mb"))
BUDGET_SECONDS = 900.0  # no further round is begun that would not end within this
PYTHON = "GRIDWHISTLE_BENCH_PYTHON"  # an environment that has the peers; default: .venv-bench


def peers_python() -> str:
    given = os.environ.get(PYTHON, "")
    beside = Path(__file__).parents[2] / ".venv-bench" / "bin" / "python"
    return given or (str(beside) if beside.exists() else sys.executable)


def run(quick: bool) -> Result:
    count, rounds = (100_000, 1) if quick else (200_000, 5)
    result = Result("hotpath", machine())
    found: dict[str, dict[str, list[float]]] = {UNIT: {}, CPU: {}, STORE_CPU: {}, MEMORY: {}}
    missing: dict[str, str] = {}
    with Site() as site:
        result.machine += f"; {site.broker}"
        site.fill(TOPIC, calm(load_profile(site.profile), count))
        began = time.monotonic()
        for done in range(rounds):
            spent = time.monotonic() - began
            if done and spent + spent / done > BUDGET_SECONDS:
                result.machine += f"; {done} of {rounds} rounds within {BUDGET_SECONDS:.0f} s"
                break
            for system in ALL:
                if system in missing:
                    continue
                try:
                    figures = _one(site, system, count // SLOW.get(system, 1))
                except DidNotStart as why:
                    missing[system] = str(why)
                    continue
                for unit, name in FIGURES:
                    if name in figures:
                        found[unit].setdefault(system, []).append(figures[name])
    for unit, runs in found.items():
        for system in ALL:
            if unit == UNIT or system in runs:
                result.add(system, unit, runs.get(system, []), missing.get(system, ""))

    _ratios(result, UNIT, "", lambda ours, other: (ours, other))
    # Of CPU time less is better; other work on the machine hardly moves it.
    _ratios(result, CPU, "_cpu", lambda ours, other: (other, ours))
    return result


Pair = tuple[float | None, float | None]


def _ratios(
    result: Result, unit: str, suffix: str, pair: Callable[[float | None, float | None], Pair]
) -> None:
    """How many times as good we are as each of the others, by ``unit``."""
    best = max if unit == UNIT else min

    def of(*systems: str) -> float | None:
        return best((v for s in systems if (v := result.value(s, unit)) is not None), default=None)

    ours = of(OURS)
    for name, other in (
        ("vs_stock", of("stock faust")),
        ("vs_best_peer", of(*PEERS)),
        ("vs_best_peer_bulk", of(*BULK_PEERS)),
        ("vs_limit", of(*LIMITS)),
        ("vs_limit_bulk", of(*BULK_LIMITS)),
    ):
        result.ratio(name + suffix, *pair(ours, other))
    result.ratio(f"with_store_vs_without{suffix}", *pair(of(STORED), ours))
    if unit == UNIT:
        result.ratio("with_store_vs_store_alone", of(STORED), of(ALONE))


def _one(site: Site, system: str, count: int) -> dict[str, float]:
    peer = system.removesuffix(IN_BULK)
    if system == ALONE:
        site.forget_rows()
        process = site.start("-m", "ops.bench.inserts", str(count))
    elif system in (OURS, STORED):
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
            python=peers_python() if peer in PEERS else sys.executable,
        )
    began = site.engine.cpu_seconds()
    try:
        found: dict[str, float] = json.loads(process.said("done ", 240))
        if system in (STORED, ALONE):
            found["store_us"] = (site.engine.cpu_seconds() - began) / count * 1e6
        if system == ALONE:  # what made the blocks is not the store
            del found["cpu_us"], found["peak_mb"]
        return found
    finally:
        process.stop()
