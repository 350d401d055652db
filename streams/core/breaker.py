"""When too much of what a partition brings is bad: stop instead of draining it away."""

from __future__ import annotations

from collections import deque

LEAST = 200  # records to look at before judging
CEILING = 0.5  # share of bad ones


class Breaker:
    """Counts the records of one partition, good and bad, over the newest ``LEAST`` or more."""

    def __init__(self, passed: int = -1) -> None:
        self.passed = passed  # an operator lets bad records through up to this offset
        self._looks: deque[tuple[int, int]] = deque()  # bad, seen
        self.bad = self.seen = 0

    def trips(self, bad: int, seen: int, last: int) -> bool:
        """Take in one run of records that ends at offset ``last``; whether to stop before it."""
        self._looks.append((bad, seen))
        self.bad, self.seen = self.bad + bad, self.seen + seen
        while self.seen - self._looks[0][1] >= LEAST:
            was_bad, was_seen = self._looks.popleft()
            self.bad, self.seen = self.bad - was_bad, self.seen - was_seen
        return last > self.passed and self.seen >= LEAST and self.bad > CEILING * self.seen
