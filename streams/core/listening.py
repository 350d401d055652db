"""What is said: weighted phrases of the profile in a text, with what their surroundings leave.

A phrase weighs by how rare it is among the classes and by its length; one inside a longer one,
behind a negation or inside a place's name counts little or nothing.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Profile
from streams.core.phrases import GAP, follow, parts_of

NEGATED = 0.1  # what is left of a phrase right behind a negation
INSIDE = 0.35  # of a phrase inside a longer one that counts
TITLE = 1.5  # a phrase in the title weighs more
LONG, FRONT = (
    120,
    40,
)  # characters: so does one at the front of a long text, where its matter stands
REACH = 2  # characters between a negation and what it denies


Said = tuple[str, float, tuple[tuple[int, float], ...]]  # shown, factor, (class index, weight)


class _Phrase(NamedTuple):
    kind: str  # "say" | "negation" | "trap"
    says: tuple[tuple[str, tuple[str, ...], tuple[tuple[int, float], ...]], ...]
    # of each phrase that begins so: as shown, its parts behind gaps, (class index, weight)


class Listener:
    """Compiled phrases of a profile."""

    def __init__(self, profile: Profile) -> None:
        self._texts, self._phrases = _compile(profile)
        self._longest = max(map(len, self._texts), default=0)
        self._find = AhoCorasick(self._texts).find_matches_as_indexes

    def votes(self, text: str) -> dict[int, float]:
        """Class index → what its phrases in a text add up to."""
        found: dict[int, float] = {}
        for _, factor, votes in self.said(text, 0):
            for index, weight in votes:
                found[index] = found.get(index, 0.0) + weight * factor
        return found

    def said(self, text: str, title: int) -> list[Said]:
        """Phrases that count in a text, once each, with the factor their surroundings leave."""
        matches = self._find(text, overlapping=True)
        phrases = self._phrases
        front = max(title, FRONT if len(text) > LONG else 0)
        said: dict[str, Said] = {}
        for n, (index, start, end) in enumerate(matches):
            phrase = phrases[index]
            if not phrase.says:
                continue
            factor = _factor(matches, phrases, n, self._longest)
            if not factor:
                continue
            if start < front:
                factor *= TITLE
            for shown, parts, votes in phrase.says:
                if parts and follow(text, parts, end) is None:
                    continue
                if shown not in said or said[shown][1] < factor:
                    said[shown] = (shown, factor, votes)
        return list(said.values())


def _factor(
    matches: list[tuple[int, int, int]], phrases: list[_Phrase], at: int, longest: int
) -> float:
    """How much of the phrase matched at ``at`` its surroundings leave. Matches stand by their end,
    so only those a negation's reach before and a phrase's length behind can matter.
    """
    _, start, end = matches[at]
    factor = 1.0
    first = at
    while first > 0 and matches[first - 1][2] >= start - REACH:
        first -= 1
    for n in range(first, len(matches)):
        other, begin, stop = matches[n]
        if stop > end + longest:
            break
        kind = phrases[other].kind
        if begin <= start and end <= stop and stop - begin > end - start:
            if kind != "say":
                return 0.0
            factor = min(factor, INSIDE)
        elif kind == "negation" and 0 <= start - stop <= (REACH if stop - begin > 1 else 0):
            factor = min(factor, NEGATED)
    return factor


def _compile(profile: Profile) -> tuple[list[str], list[_Phrase]]:
    """What to listen for, and what it means; a trap or a negation never also votes."""
    order = {code: n for n, code in enumerate(profile.taxonomy)}
    votes: dict[str, dict[str, float]] = {}
    for code, row in profile.taxonomy.items():
        for word in (row.name, *row.keywords):
            votes.setdefault(word, {})[code] = 1.0
    special: dict[str, str] = {}
    for entry in profile.phrases:
        if entry.kind == "weight" and entry.class_code in order:
            votes.setdefault(entry.phrase, {})[entry.class_code] = entry.weight
        elif entry.kind == "trap" or (entry.kind == "negation" and entry.weight >= 1):
            special[entry.phrase] = entry.kind
    names = [name for place in profile.places.values() for name in (place.name, *place.aliases)]
    names += [area.name for area in profile.areas.values() if area.level != "grid"]
    for name in names:  # 火车站、水库路: what is inside a place's name says nothing of the matter
        if len(name) > 1 and name not in votes:
            special.setdefault(name, "trap")
    says: dict[str, list[tuple[str, tuple[str, ...], tuple[tuple[int, float], ...]]]] = {}
    total = len(order) or 1
    for word, classes in votes.items():
        if word in special or not word.strip(GAP):
            continue
        first, parts = parts_of(word)
        rarity = log(1 + total / len(classes)) / log(1 + total)
        length = min(len(word), 6) / 3 + 0.2
        weighed = tuple((order[code], w * rarity * length) for code, w in classes.items())
        says.setdefault(first, []).append((word, parts, weighed))
    texts = sorted({*special, *says})
    return texts, [_Phrase(special.get(t, "say"), tuple(says.get(t, ()))) for t in texts]
