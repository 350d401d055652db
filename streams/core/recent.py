"""Recognising an event that was already taken, within bounded memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

WINDOW = 10_000  # offsets of a partition within which a repeat is recognised
_PARTS = 16  # bits of a part


def recent_key(event_id: str) -> int:
    """The last 64 bits of an event's id, 62 of them from its hash."""
    return int(event_id[19:23] + event_id[24:], 16)


def place_of(offset: int, part: int) -> int:
    return offset << _PARTS | part


class RecentIds:
    """Ids of the newest events of one partition and where each first stood.

    Reading the same record again after a restart is not a repeat: its id is known, but with its
    own place. Only a later place is a repeat. An id is forgotten ``window`` offsets behind its
    first place, so that what counts as a repeat follows from the topic alone: a worker that starts
    anywhere decides as one that never stopped. One entry is about 120 bytes.

    Two dictionaries take turns every ``window`` offsets: taking the oldest entries out of one,
    one by one, would make every look at its first entry slower (a dictionary keeps the holes).
    """

    def __init__(self, window: int = WINDOW, known: Iterable[tuple[str, int, int]] = ()) -> None:
        self.window = window
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._before: dict[int, int] = {}  # places an id had before it counted anew
        self._turn = 0  # place from which on a fresh dictionary is due
        for event_id, offset, part in known:
            self.repeated(event_id, offset, part)

    def repeated(self, event_id: str, offset: int, part: int) -> bool:
        """True when the event stood at an earlier place; else remembers this one. Two different
        ids are taken for one once in 10^14 events (62 bits, 10,000 ids)."""
        return self._repeated(recent_key(event_id), place_of(offset, part))

    def repeats(self, keys: Sequence[int], places: Sequence[int]) -> list[int]:
        """Places of those that are repeats: ``repeated`` for a run of events at once, whose
        ``recent_key`` and ``place_of`` are given, places ascending."""
        found: list[int] = []
        start = 0
        while start < len(keys):
            # Whoever stands at the turn changes the dictionaries, so goes alone.
            end = max(start + 1, bisect_left(places, self._turn, start))
            run = dict(zip(keys[start:end], places[start:end], strict=True))
            unseen = run.keys().isdisjoint(self._new) and run.keys().isdisjoint(self._old)
            if unseen and len(run) == end - start and places[start] < self._turn:
                self._new.update(run)
            else:
                for key, place in zip(keys[start:end], places[start:end], strict=True):
                    if self._repeated(key, place):
                        found.append(place)
            start = end
        return found

    def _repeated(self, key: int, place: int) -> bool:
        first = self._new.get(key)
        if first is None:
            first = self._old.get(key)
        if first is not None and first > place:  # read again: what stood before it decides
            first = self._before.get(key, place)
            return first < place and first >> _PARTS > (place >> _PARTS) - self.window
        if first is not None:
            if first == place:
                return False
            if first >> _PARTS > (place >> _PARTS) - self.window:
                return True
        if place >= self._turn:
            self._old, self._new, self._before = self._new, {}, {}
            self._turn = ((place >> _PARTS) + self.window) << _PARTS
        if first is not None:
            self._before[key] = first
        self._new[key] = place
        return False

    def __len__(self) -> int:
        return len(self._new) + len(self._old)
