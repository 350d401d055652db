"""From a fire alarm produced to its alert in the topic ``alerts``, beside a steady background."""

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
EVERY = 0.1  # seconds between alarms
RATES = (1_000, 5_000, 20_000)
JUDGED = 5_000  # the rate of the ratio


def run(quick: bool) -> Result:
    seconds, rates = (8.0, (JUDGED,)) if quick else (30.0, RATES)
    result = Result("latency", machine())
    profile = load_profile("qinglan")
    records = list(calm(profile, 50_000))
    for system in ("gridwhistle", "stock faust"):
        with Site() as site:
            if system == "gridwhistle":
                workers = [site.worker(stage) for stage in ("intake", "cases")]
            else:
                workers = [site.start("-m", "ops.bench.stock_alerts")]
            for worker in workers:
                worker.said("ready")
            clock = AlarmClock(site.kafka.bootstrap, alarms(profile))
            try:
                clock.ring(EVERY, 3.0)  # the first ones wait for partitions to be taken over
                clock.finish(30.0)
                for rate in rates:
                    _measure(result, system, site, clock, records, rate, seconds)
            finally:
                clock.close()
            for worker, stage in zip(workers, ("intake", "cases"), strict=False):
                name = f"{system} {stage}" if system == "gridwhistle" else system
                result.add(name, "MB peak", [worker.peak_mb()])
    ours = result.value(f"gridwhistle at {JUDGED}/s", "ms p99")
    stock = result.value(f"stock faust at {JUDGED}/s", "ms p99")
    result.ratio("p99_vs_stock", ours, stock)
    return result


def _measure(
    result: Result, system: str, site: Site, clock: AlarmClock, records: list[bytes], rate: int,
    seconds: float,
) -> None:  # fmt: skip
    clock.seconds.clear()
    with Background(site.kafka.bootstrap, TOPIC, _fresh(records), rate):
        clock.ring(EVERY, seconds)
        lost = clock.finish(20.0)
    found = [s * 1000 for s in clock.seconds] + [20_000.0] * lost  # not within 20 s
    name = f"{system} at {rate}/s"
    note = f"{len(found)} alarms" + (f", {lost} of them not within 20 s" if lost else "")
    result.add(name, "ms p50", [percentile(found, 0.5)], note)
    result.add(name, "ms p99", [percentile(found, 0.99)], note)


def _fresh(records: list[bytes]) -> Iterator[bytes]:
    """The same messages under ever new numbers: a repeat would be filtered away."""
    for turn in itertools.count():
        mark = b'"id": "t%d-' % (time.time_ns() % 10**9 + turn)
        for record in records:
            yield record.replace(b'"id": "', mark, 1)
