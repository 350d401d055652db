"""Watch a worker from inside: lag as a metric, and an exit when a partition is stuck.

Consumers have been seen to die slowly and in silence (faust-streaming #175, #523, #640 …). A worker
whose oldest message in hand has not moved for ``STUCK`` seconds although the store answers, or that
reads nothing though its partition grows, ends itself; its supervisor starts a fresh one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set
from typing import Any

from faust.types import TP

from connectors.metrics import metric
from streams.app import StageApp

LOOK = 2.0
STUCK = 120.0


class Stuck(RuntimeError):
    """A partition that should move and does not."""


class Watch:
    """Where each partition stood, and since when."""

    def __init__(self) -> None:
        self._seen: dict[TP, tuple[int, float]] = {}

    def look(self, at: dict[TP, tuple[int, int]], excused: Set[TP], now: float) -> None:
        """``at``: partition → (done up to, end). Raises Stuck. ``excused`` partitions stand for a
        reason: the store is away, or an operator has to look at them."""
        for tp in set(self._seen) - set(at):
            del self._seen[tp]
        for tp, (done, end) in at.items():
            metric("gridwhistle_lag_records").labels(tp.topic, str(tp.partition)).set(
                max(end - done, 0)
            )
            stood, since = self._seen.get(tp, (-1, now))
            if tp in excused or done != stood or done >= end:
                self._seen[tp] = (done, now)
            elif now - since > STUCK:
                raise Stuck(
                    f"{tp.topic}[{tp.partition}] stands at {done} of {end} for {STUCK:.0f} s"
                )


def attach(app: StageApp) -> None:
    watch = Watch()

    @app.task
    async def look(_app: Any) -> None:
        consumer = app.consumer
        while not consumer.assignment():  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(0.1)
        print(f"ready {app.conf.id}", flush=True)
        while not app.should_stop:
            await asyncio.sleep(LOOK)
            in_hand = consumer.positions()
            at: dict[TP, tuple[int, int]] = {}
            for tp in consumer.assignment():
                end = consumer.highwater(tp)
                done = in_hand.get(tp, consumer.done(tp))
                if end is None or done is None or not app.topics.acks_enabled_for(tp.topic):
                    continue
                at[tp] = (done, end)
            standing = {tp for tp in at if any(excuse(tp) for excuse in app.excused)}
            excused = any(sink.failing_since for sink in app.sinks) or app.rebalancing
            try:
                watch.look(at, set(at) if excused else standing, time.monotonic())
            except Stuck as exc:
                app.crash_soon(exc)
