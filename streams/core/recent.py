"""Recognising an event that was already taken, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

Place = tuple[int, int]  # offset, part


class RecentIds:
    """Ids of the newest events of one partition and where each first stood.

    Reading the same record again after a restart is not a repeat: its id is known, but with its
    own place. Only a later place is a repeat. Keeps ``most`` ids and forgets the oldest.
    """

    def __init__(self, most: int = 20_000, known: Iterable[tuple[str, int, int]] = ()) -> None:
        self.most = most
        self._first: dict[int, Place] = {}
        for event_id, offset, part in known:
            self._first.setdefault(_short(event_id), (offset, part))

    def repeated(self, event_id: str, offset: int, part: int) -> bool:
        """True when the event stood at an earlier place; else remembers this one."""
        key = _short(event_id)
        first = self._first.get(key)
        if first is not None:
            return first < (offset, part)
        self._first[key] = (offset, part)
        if len(self._first) > self.most:
            del self._first[next(iter(self._first))]
        return False

    def __len__(self) -> int:
        return len(self._first)


def _short(event_id: str) -> int:
    """First 64 bits of a UUID: two of 20,000 ids meet once in 10^11 partitions."""
    return int(event_id[:8] + event_id[9:13] + event_id[14:18], 16)
