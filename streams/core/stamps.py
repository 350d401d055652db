"""The text of a device's stamp → epoch milliseconds, quickly.

Records that lie together were stamped within minutes of each other: the minute is read once, by
the model's own rules, and the seconds are added.
"""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from schemas.raw import epoch_ms

_REMEMBERED = 4096  # stamps, and minutes
_HEAD = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:")
_TAIL = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})?")
_SECONDS = {f"{n:02d}": n * 1000 for n in range(60)}
_FRACTIONS = {f"{n:03d}": n for n in range(1000)}
_STAMP = TypeAdapter(datetime)


class Stamps:
    """``read(text)``: milliseconds, as ``epoch_ms`` of what the model reads; None when only the
    model itself can tell."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}  # what was read lately: most stamps have whole seconds
        self._minutes: dict[tuple[str, str], int] = {}

    def read(self, text: str) -> int | None:
        """For ``2026-11-26T08:00:07+08:00``, with or without milliseconds and zone."""
        seconds = _SECONDS.get(text[17:19])
        if seconds is None:
            return None
        head, tail = text[:17], text[19:]
        if tail[:1] == ".":
            thousandths = _FRACTIONS.get(tail[1:4])
            if thousandths is None:
                return None
            seconds += thousandths
            tail = tail[4:]
        minute = self._minutes.get((head, tail))
        if minute is None:
            minute = self._minute(head, tail)
            if minute is None:
                return None
        if len(self.known) >= _REMEMBERED:
            self.known.clear()
        self.known[text] = minute + seconds
        return minute + seconds

    def _minute(self, head: str, tail: str) -> int | None:
        if not (_HEAD.fullmatch(head) and _TAIL.fullmatch(tail)):
            return None
        try:
            minute = epoch_ms(_STAMP.validate_python(f"{head}00{tail}"))
        except (ValidationError, ValueError, OverflowError):
            return None
        if len(self._minutes) >= _REMEMBERED:
            self._minutes.clear()
        self._minutes[head, tail] = minute
        return minute
