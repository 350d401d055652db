"""Workers that freeze, come and go for minutes (``make test-faults``)."""

from __future__ import annotations

import signal

import pytest

from tests.faults.centre import Centre
from tests.faults.long import LONG, SCALE, during

pytestmark = pytest.mark.faults


def test_frozen_for_90_seconds(centre: Centre) -> None:
    zombie = centre.worker()
    zombie.ready()
    with centre.load(1_000):
        during(5)
        zombie.tell(signal.SIGSTOP)
        centre.worker()
        during(90)
        zombie.tell(signal.SIGCONT)
        during(10)
    centre.judge(f"SIGSTOP {90 * SCALE:.0f} s under 1,000/s, then resumed", LONG)


def test_workers_join_and_leave(centre: Centre) -> None:
    """Of those that leave, every second is killed."""
    joined = left = 0

    def step(n: int) -> None:
        nonlocal joined, left
        if n % 2 and len(centre.workers) > 1:
            centre.workers.pop(0).end(signal.SIGKILL if n % 4 == 1 else signal.SIGTERM)
            left += 1
        else:
            centre.worker()
            joined += 1

    centre.worker()
    with centre.load(1_000):
        during(120, step)
    centre.judge(
        f"{joined} workers joined and {left} left in {120 * SCALE:.0f} s under 1,000/s", LONG
    )
    assert joined + left >= 22 * SCALE
