"""Time in long fault tests. GRIDWHISTLE_FAULT_SCALE < 1 shortens them, for trying them out."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

SCALE = float(os.environ.get("GRIDWHISTLE_FAULT_SCALE", "1"))
LONG = 300.0  # seconds until everything must be read afterwards


def during(seconds: float, step: Callable[[int], None] | None = None, every: float = 5.0) -> None:
    """Let time pass, with a step now and then."""
    end = time.monotonic() + seconds * SCALE
    for n in itertools.count():
        if time.monotonic() >= end:
            return
        began = time.monotonic()
        if step is not None:
            step(n)
        left = min(began + every, end) - time.monotonic()
        time.sleep(max(0.0, left))
