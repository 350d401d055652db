"""The store is away for ten minutes. Runs beside the other long ones: it mostly waits."""

from __future__ import annotations

import signal

import pytest

from tests.faults.centre import Centre
from tests.faults.long import LONG, SCALE, during

pytestmark = pytest.mark.faults


def test_store_down_for_ten_minutes(centre: Centre) -> None:
    """Nothing is committed meanwhile, the worker lives, and its memory stays bounded."""
    worker = centre.worker()
    centre.feed(worker, 4_000, times=1)
    centre.wait(centre.drained)
    committed = centre.committed()
    with centre.load(500):
        centre.store.end(signal.SIGKILL)
        during(600)
        assert worker.running, "a worker outlives an outage of the store"
        assert centre.committed() == committed, "nothing is committed while the store is away"
        grown = worker.peak_mb()
        centre.start_store()
    centre.judge(f"store down {600 * SCALE:.0f} s under 500/s, worker at {grown} MB", LONG)
    assert grown < 400
