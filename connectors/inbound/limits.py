"""What the intake takes at most: of one request, and of one source in a second."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one request, and of one source in events a second."""

    body_bytes: int = 4 << 20
    inflated_bytes: int = 16 << 20
    events: int = 1000
    per_second: float = 2000.0
    burst: int = 10_000
    requests_at_once: int = 32  # bodies held in memory
    body_seconds: float = 30.0
    kafka_seconds: float = 5.0


class RateLimit:
    """Token buckets, one a source: bursts are fine, floods are told when to come back.

    ``per_second`` events refill a bucket of ``burst``; ``now`` is any monotonic clock."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}  # source → (left, at)

    def wait(self, source: str, events: int, now: float) -> float:
        """Takes ``events`` and returns 0, or takes nothing and returns the seconds to wait.

        A batch larger than the bucket passes when the bucket is full, and leaves it in debt.
        """
        left, at = self._buckets.get(source, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        needed = min(float(events), self._burst)
        if left < needed:
            self._buckets[source] = (left, now)
            return (needed - left) / self._rate
        self._buckets[source] = (left - events, now)
        return 0.0
