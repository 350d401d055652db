"""From a fire alarm produced to its alert in the topic ``alerts``, beside a steady background.

The same way on both sides: produce → decide → rows and case-commands → case-changes → alerts, two
processes each. What stock Faust does is in ``ops.bench.stock_alerts``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from ops.bench.feed import alarms, calm
from ops.bench.pace import AlarmClock, Background, percentile
from ops.bench.result import Result, machine
from ops.bench.site import Site
from schemas.profile_files import load_profile

TOPIC = "raw.fire"
EVERY = 0.2  # seconds between alarms: each is of another grid, and there are 508 with fire devices
RATES = (1_000, 5_000, 20_000)
JUDGED = 5_000  # the rate of the ratio
LATE = 20.0  # seconds
SYSTEMS = ("gridwhistle", "stock faust")


STAGES = ("intake", "cases")


def run(quick: bool) -> Result:
    seconds, rates = (16.0, (JUDGED,)) if quick else (30.0, RATES)
    rounds = 1 if quick else 3
    result = Result("latency", machine())
    profile = load_profile("qinglan")
    records = list(calm(profile, 50_000))
    found: dict[tuple[str, int], list[list[float]]] = {}
    peaks: dict[str, list[float]] = {}
    for _ in range(rounds):
        for system in SYSTEMS:
            _round(system, rates, seconds, records, found, peaks)
    for (system, rate), runs in found.items():
        late = sum(ms >= LATE * 1000 for run in runs for ms in run)
        note = f"{sum(map(len, runs))} alarms" + (f", {late} not within {LATE:.0f} s" * bool(late))
        for unit, share in (("ms p50", 0.5), ("ms p99", 0.99)):
            values = [percentile(run, share) for run in runs]
            result.add(f"{system} at {rate}/s", unit, values, note)
    for name, values in peaks.items():
        result.add(name, "MB peak", values)
    for rate in rates:
        ours = result.value(f"gridwhistle at {rate}/s", "ms p99")
        stock = result.value(f"stock faust at {rate}/s", "ms p99")
        result.ratio("p99_vs_stock" if rate == JUDGED else f"p99_vs_stock_{rate}", ours, stock)
    return result


def _round(
    system: str, rates: tuple[int, ...], seconds: float, records: list[bytes],
    found: dict[tuple[str, int], list[list[float]]], peaks: dict[str, list[float]],
) -> None:  # fmt: skip
    with Site() as site:
        if system == "gridwhistle":
            workers = [site.worker(stage) for stage in STAGES]
        else:
            workers = [site.start("-m", "ops.bench.stock_alerts", stage) for stage in STAGES]
        for worker in workers:
            worker.said("ready")
        clock = AlarmClock(site.kafka.bootstrap, alarms(load_profile(site.profile)))
        try:
            clock.ring(EVERY, 3.0)  # the first ones wait for partitions to be taken over
            clock.finish(30.0)
            for rate in rates:
                runs = found.setdefault((system, rate), [])
                runs.append(_measure(site, clock, records, rate, seconds))
        finally:
            clock.close()
        for worker, stage in zip(workers, STAGES, strict=True):
            peaks.setdefault(f"{system} {stage}", []).append(worker.peak_mb())


def _measure(
    site: Site, clock: AlarmClock, records: list[bytes], rate: int, seconds: float
) -> list[float]:
    """Milliseconds of each alarm; LATE for one whose alert has not come by then."""
    clock.forget()
    with Background(site.kafka.bootstrap, TOPIC, _fresh(records), rate):
        clock.ring(EVERY, seconds)
        lost = clock.finish(LATE)
    return [s * 1000 for s in clock.seconds] + [LATE * 1000] * lost


def _fresh(records: list[bytes]) -> Iterator[bytes]:
    """The same messages under ever new numbers: a repeat would be filtered away."""
    for turn in itertools.count():
        mark = b'"id": "t%d-' % (time.time_ns() % 10**9 + turn)
        for record in records:
            yield record.replace(b'"id": "', mark, 1)
