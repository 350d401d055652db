"""A backlog is caught up while fire alarms keep coming: how fast, and how long do alarms take."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ops.bench.feed import alarms
from ops.bench.pace import AlarmClock, percentile
from ops.bench.result import Result, machine
from ops.bench.site import Site
from schemas.profile_files import load_profile

BACKLOG = "raw.environment"


def run(quick: bool) -> Result:
    count = 1_000_000 if quick else 5_000_000
    result = Result("backlog", machine())
    profile = load_profile("qinglan")
    with Site() as site:
        devices = [d.device_id for d in profile.devices.values() if d.channel == "env_iot"]
        site.fill(BACKLOG, _telemetry(devices, count))
        workers = [site.worker(stage) for stage in ("intake", "cases")]
        for worker in workers:
            worker.said("ready")
        clock = AlarmClock(site.kafka.bootstrap, alarms(profile))
        try:
            began = time.perf_counter()
            seconds = 0.0
            while site.rows() < count:
                clock.ring(0.2, 1.0)
                seconds = time.perf_counter() - began
                if seconds > 900:
                    raise RuntimeError(f"{site.rows()} of {count} rows after {seconds:.0f} s")
            during = list(clock.seconds)
            lost = clock.finish(20.0)
            clock.seconds.clear()
            clock.ring(0.2, 5.0)
            clock.finish(10.0)
            quiet = list(clock.seconds)
        finally:
            clock.close()
        result.add("catching up", "events/s", [count / seconds], f"{count} events behind")
        result.add("alarms meanwhile", "ms p50", [percentile(during, 0.5) * 1000])
        result.add("alarms meanwhile", "ms p99", [percentile(during, 0.99) * 1000],
                   f"{len(during)} alarms, {lost} late")  # fmt: skip
        result.add("alarms afterwards", "ms p50", [percentile(quiet, 0.5) * 1000])
        result.add("alarms afterwards", "ms p99", [percentile(quiet, 0.99) * 1000])
        for worker, stage in zip(workers, ("intake", "cases"), strict=True):
            result.add(stage, "MB peak", [worker.peak_mb()])
    result.ratio(
        "p99_backlog_vs_quiet", result.value("alarms meanwhile", "ms p99"),
        result.value("alarms afterwards", "ms p99"),
    )  # fmt: skip
    return result


def _telemetry(devices: list[str], count: int) -> Iterator[bytes]:
    for n in range(count):
        yield (
            b'{"channel":"env_iot","id":"k%d","source":"bench","device_id":"%s",'
            b'"event":"level_threshold","value":0.0%d,"unit":"m","simulated":true}'
            % (n, devices[n % len(devices)].encode(), n % 10)
        )
