"""A store or a broker that makes them wait for minutes, and what has piled up then."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from aiohttp import web

from tests.faults.centre import Centre
from tests.faults.long import LONG, SCALE, during
from tests.faults.store_proxy import Asked

pytestmark = pytest.mark.faults


def test_inserts_take_30_seconds(centre: Centre) -> None:
    """Blocks grow instead: the load is carried, two minutes behind at most."""
    slow = 0

    async def late(asked: Asked) -> web.Response | None:
        nonlocal slow
        if asked.table:
            slow += 1
            await asyncio.sleep(30 * SCALE)
        return await asked.forward()

    centre.proxy.rule = late
    centre.worker()
    with centre.load(1_000):
        during(100)
        centre.restore()
    assert slow >= 3
    centre.judge(f"{slow} inserts took {30 * SCALE:.0f} s each under 1,000/s", LONG)


def test_broker_unreachable_both_ways(centre: Centre) -> None:
    """It hangs for a minute, then it refuses for half a minute."""
    worker = centre.worker()
    centre.feed(worker, 8_000, times=1)
    centre.produce(8_000)
    centre.broker.tell(signal.SIGSTOP)
    during(60)
    centre.broker.tell(signal.SIGCONT)
    centre.produce(8_000)
    centre.broker.end(signal.SIGKILL)
    during(30)
    centre.start_broker()
    if not worker.running:  # a supervisor starts it again
        centre.worker()
    centre.produce(8_000)
    centre.judge(f"broker hung {60 * SCALE:.0f} s, then refused {30 * SCALE:.0f} s", LONG)


def test_a_backlog_is_caught_up(centre: Centre) -> None:
    centre.produce(int(400_000 * SCALE))
    began = time.monotonic()
    worker = centre.worker()
    centre.wait(centre.drained, LONG)
    took = time.monotonic() - began
    centre.judge(
        f"a backlog of 400,000 read in {took:.0f} s, worker at {worker.peak_mb()} MB", LONG
    )
    assert worker.peak_mb() < 400
