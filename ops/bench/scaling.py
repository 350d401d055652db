"""One worker and two: events a second from a backlog into the store."""

from __future__ import annotations

import time

from ops.bench.feed import calm
from ops.bench.result import Result, machine
from ops.bench.site import Site
from schemas.profile_files import load_profile

TOPIC = "raw.fire"


def run(quick: bool) -> Result:
    count, rounds = (100_000, 1) if quick else (600_000, 3)
    result = Result("scaling", machine())
    rates: dict[int, list[float]] = {1: [], 2: []}
    peaks: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in rates:
            rate, peak = _one(workers, count)
            rates[workers].append(rate)
            peaks[workers].append(peak)
    for workers in rates:
        name = f"{workers} worker" + ("s" if workers > 1 else "")
        result.add(name, "events/s", rates[workers])
        result.add(name, "MB peak", peaks[workers])
    result.ratio(
        "two_vs_one", result.value("2 workers", "events/s"), result.value("1 worker", "events/s")
    )
    return result


def _one(workers: int, count: int) -> tuple[float, float]:
    """The workers have their partitions before the first record comes."""
    with Site() as site:
        running = [site.worker("intake") for _ in range(workers)]
        for worker in running:
            worker.said("ready")
        time.sleep(2.0)  # the second one's joining moves partitions once more
        records = list(calm(load_profile(site.profile), count))
        began = time.perf_counter()
        site.fill(TOPIC, records)
        while (rows := site.rows()) < count:
            if time.perf_counter() - began > 300:
                raise RuntimeError(f"only {rows} of {count} rows after 300 s")
            time.sleep(0.05)
        rate = count / (time.perf_counter() - began)
        return rate, max(worker.peak_mb() for worker in running)
