"""``python -m streams.worker STAGE``: one Faust worker of one stage.

The stages, in the order an event passes them. Several workers of a stage share its partitions.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import faust

from connectors.kafka import KafkaAddress, Producer
from connectors.metrics import serve_metrics
from schemas.profile import Profile
from schemas.profile_files import ProfileProblems, load_profile
from schemas.settings import Settings, settings
from streams import alerts, cases, deadlines, intake, records, watch
from streams.app import StageApp, stage_app
from streams.outlet import Outlet

log = logging.getLogger(__name__)

LARGEST_LETTER = (8 << 20) - 4096  # what the topic dead-letters takes
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # malloc.h
LARGE = 512 << 10  # bytes of a buffer that goes back to the system as soon as it is free
STOP_SECONDS = 1.9  # from the signal to the end, whatever Kafka or the store do


class PromptWorker(faust.Worker):  # type: ignore[misc]
    """Ends soon after it is told to. What it has in hand is read again by the next one."""

    def _schedule_shutdown(self, number: Any) -> None:
        last_call = threading.Timer(STOP_SECONDS, os._exit, (0,))
        last_call.daemon = True
        last_call.start()
        super()._schedule_shutdown(number)


def _intake(app: StageApp, conf: Settings, profile: Profile, outlet: Outlet) -> None:
    intake.attach(app, conf, profile, outlet)


def _cases(app: StageApp, conf: Settings, profile: Profile, outlet: Outlet) -> None:
    writer = cases.attach(app, conf, profile, outlet)
    deadlines.attach(app, writer)
    alerts.attach(app, profile, outlet)


def _records(app: StageApp, conf: Settings, profile: Profile, outlet: Outlet) -> None:
    records.attach(app, conf)


STAGES: dict[str, Callable[[StageApp, Settings, Profile, Outlet], None]] = {
    "intake":  _intake,   # raw topics → events, case-commands, dead-letters
    "cases":   _cases,    # case-commands → case-changes → alerts; deadlines
    "records": _records,  # case-changes, alerts, dead-letters → ClickHouse
}  # fmt: skip


def build(stage: str, conf: Settings, profile: Profile) -> StageApp:
    app = stage_app(stage, conf)
    producer = Producer(
        KafkaAddress.of(conf), client_id=f"gridwhistle-{stage}", compression=None,
        most_bytes=LARGEST_LETTER,
    )  # fmt: skip
    STAGES[stage](app, conf, profile, Outlet(producer))
    watch.attach(app)
    for sink in app.sinks:
        app.task(sink.run)
    app.closers.append(producer.stop)
    return app


def _frugal_malloc() -> None:
    """glibc gives every thread a heap of its own, and each keeps its largest insert: 40 MB. It also
    takes ever larger buffers from the heap once one was freed, and the holes stay: 12 MB."""
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, 2)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)


def main(argv: list[str] | None = None) -> int:
    args = sys.argv[1:] if argv is None else argv
    if len(args) != 1 or args[0] not in STAGES:
        print(f"usage: python -m streams.worker {{{'|'.join(STAGES)}}}", file=sys.stderr)
        return 2
    _frugal_malloc()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for noisy in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    conf = settings()
    try:
        profile = load_profile(conf.profile)
    except ProfileProblems as exc:
        print(exc, file=sys.stderr)
        return 2
    serve_metrics(conf.metrics_port)
    app = build(args[0], conf, profile)
    del profile  # a stage keeps what it needs of it
    gc.collect()
    gc.freeze()  # profiles and models stay: the collector need not walk them again and again
    gc.set_threshold(20_000, 50, 100)
    sys.setswitchinterval(0.02)
    worker: Any = PromptWorker(app, override_logging=False, quiet=True, redirect_stdouts=False)
    worker.spinner = None  # it writes backspaces into the log
    worker.execute_from_commandline()
    return 0


if __name__ == "__main__":
    sys.exit(main())
