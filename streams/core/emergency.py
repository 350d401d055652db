"""Is a life or much else in danger right now? A decision of its own, beside the class.

Recall comes first: an emergency phrase counts unless the same clause denies it or puts it into the
past or a drill, and a danger that is still going on outweighs both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Phrase

_CLAUSE = re.compile(r"[,。;!?、\n,.;!?]")
# Said of the danger itself, these bring a denied or past one back: 「没有火但是冒浓烟」.
_ONGOING = ("正在", "现在", "还在", "仍在", "越来越", "刚刚", "快来", "救命", "此刻", "又")
_REACH = 4  # characters between a negation and what it denies


class Heard(NamedTuple):
    """What the emergency decision heard, and why it does or does not count."""

    emergency: bool
    reason: str


class Emergencies:
    """Compiled emergency, negation and past phrases of a profile."""

    def __init__(self, phrases: tuple[Phrase, ...]) -> None:
        kinds: dict[str, str] = {}
        for kind in ("past", "negation", "emergency"):
            kinds |= {row.phrase: kind for row in phrases if row.kind == kind}
        self._phrases = list(kinds)
        self._kinds = list(kinds.values())
        self._find = (
            AhoCorasick(self._phrases).find_matches_as_indexes if self._phrases else _nothing
        )

    def hear(self, text: str, channel: str = "") -> Heard:
        """Whether a text reports an emergency. ``channel`` only changes how drills are read."""
        matches = self._find(text, overlapping=True)
        kinds = self._kinds
        denied: list[str] = []
        for index, start, end in matches:
            if kinds[index] != "emergency":
                continue
            phrase = self._phrases[index]
            if _inside(matches, kinds, start, end):
                continue  # part of a longer phrase that says the opposite: 没有着火
            against = self._against(text, matches, start)
            if not against:
                return Heard(True, f"出现“{phrase}”")
            denied.append(f"“{phrase}”前有“{against}”")
        return Heard(False, ";".join(denied[:3]))

    def _against(self, text: str, matches: list[tuple[int, int, int]], start: int) -> str:
        """The phrase that denies what begins at ``start``, or dates it back; "" when none does."""
        left, right = _clause(text, start)
        clause = text[left:right]
        for index, begin, end in matches:
            kind = self._kinds[index]
            if kind == "negation" and begin >= left and 0 <= start - end <= _REACH:
                return self._phrases[index]
            if kind == "past" and left <= begin < right and not any(w in clause for w in _ONGOING):
                return self._phrases[index]
        return ""


def _inside(matches: list[tuple[int, int, int]], kinds: list[str], start: int, end: int) -> bool:
    """Does a negation or past phrase cover this span and more?"""
    return any(
        kinds[index] != "emergency"
        and begin <= start
        and end <= stop
        and stop - begin > end - start
        for index, begin, stop in matches
    )


def _clause(text: str, at: int) -> tuple[int, int]:
    left = right = -1
    for mark in _CLAUSE.finditer(text):
        if mark.start() < at:
            left = mark.start()
        else:
            right = mark.start()
            break
    return left + 1, right if right >= 0 else len(text)


def _nothing(text: str, overlapping: bool = False) -> list[tuple[int, int, int]]:
    return []
