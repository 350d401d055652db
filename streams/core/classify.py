"""Text → class by the weighted phrases of the taxonomy, with the reasons an operator understands.

A phrase weighs by how rare it is among the classes and by its length; phrases inside longer ones,
behind a negation or inside a place's name count little or nothing. Scores of several voters add up
before ranking (``Voter``), which is where a learned model joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import NamedTuple, Protocol

from ahocorasick_rs import AhoCorasick

from schemas.profile import Profile

NEGATED = 0.1  # what is left of a phrase right behind a negation
INSIDE = 0.35  # of a phrase inside a longer one that counts
TITLE = 1.5  # a phrase in the title weighs more
PRIOR = 1.2  # score at which a lone candidate is believed by half
REACH = 2  # characters between a negation and what it denies


class Classified(NamedTuple):
    """``code`` is the best class, "" when nothing was recognised; ``confidence`` is 0..1."""

    code: str
    confidence: float
    top3: tuple[str, ...]
    reasons: tuple[str, ...]


NOTHING = Classified("", 0.0, (), ("没有识别到任何关键词",))


class Voter(Protocol):
    """Another opinion on a text: class code → score on the scale of the phrases."""

    def scores(self, text: str) -> Mapping[str, float]: ...


class _Phrase(NamedTuple):
    text: str
    kind: str  # "say" | "negation" | "trap"
    votes: tuple[tuple[str, float], ...]  # class code, weight


class Classifier:
    """Compiled phrases of a profile. ``voters`` add their scores to those of the phrases."""

    def __init__(self, profile: Profile, voters: tuple[Voter, ...] = ()) -> None:
        self._names = {code: row.name for code, row in profile.taxonomy.items()}
        self._phrases = _compile(profile)
        self._voters = voters
        self._find = AhoCorasick([p.text for p in self._phrases]).find_matches_as_indexes

    def classify(self, text: str, title: str = "", channel: str = "") -> Classified:
        """The three best classes of a text. ``channel`` is for voters that know its language."""
        whole = f"{title}\n{text}" if title else text
        scores: dict[str, float] = {}
        heard: dict[str, list[str]] = {}
        edge = len(title) if title else -1
        for phrase, factor, start in self._said(whole):
            if start < edge:
                factor *= TITLE
            for code, weight in phrase.votes:
                scores[code] = scores.get(code, 0.0) + weight * factor
                heard.setdefault(code, []).append(phrase.text)
        for voter in self._voters:
            for code, score in voter.scores(whole).items():
                scores[code] = scores.get(code, 0.0) + score
        return self._rank(scores, heard) if scores else NOTHING

    def _said(self, text: str) -> list[tuple[_Phrase, float, int]]:
        """Phrases that count in a text, once each, with the factor their surroundings leave."""
        matches = self._find(text, overlapping=True)
        if not matches:
            return []
        phrases = self._phrases
        said: dict[int, tuple[_Phrase, float, int]] = {}
        for index, start, end in matches:
            phrase = phrases[index]
            if phrase.kind != "say":
                continue
            factor = 1.0
            for other, begin, stop in matches:
                kind = phrases[other].kind
                if begin <= start and end <= stop and stop - begin > end - start:
                    factor = 0.0 if kind != "say" else min(factor, INSIDE)
                elif kind == "negation" and 0 <= start - stop <= (REACH if stop - begin > 1 else 0):
                    factor = min(factor, NEGATED)
                if not factor:
                    break
            if factor and (index not in said or said[index][1] < factor):
                said[index] = (phrase, factor, start)
        return list(said.values())

    def _rank(self, scores: dict[str, float], heard: dict[str, list[str]]) -> Classified:
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:3]
        best, score = ranked[0]
        rest = ranked[1][1] if len(ranked) > 1 else 0.0
        confidence = score / (score + rest * 0.8 + PRIOR)
        words = "、".join(f"“{word}”" for word in heard.get(best, [])[:4])
        reasons = [f"{self._names.get(best, best)}:出现{words}" if words else "相近的历史样例"]
        if len(ranked) > 1 and rest > 0.6 * score:
            second = ranked[1][0]
            reasons.append(f"也可能是{self._names.get(second, second)}")
        return Classified(best, confidence, tuple(code for code, _ in ranked), tuple(reasons))


def _compile(profile: Profile) -> list[_Phrase]:
    """All phrases of a profile, each once; a trap or negation never also votes."""
    votes: dict[str, dict[str, float]] = {}
    for code, row in profile.taxonomy.items():
        for word in row.keywords:
            votes.setdefault(word, {})[code] = 1.0
        votes.setdefault(row.name, {})[code] = 1.0
    for entry in profile.phrases:
        if entry.kind == "weight" and entry.class_code:
            votes.setdefault(entry.phrase, {})[entry.class_code] = entry.weight
    total = len(profile.taxonomy) or 1
    special = {
        row.phrase: row.kind
        for row in profile.phrases
        if row.kind == "trap" or (row.kind == "negation" and row.weight >= 1)
    }
    names = [name for place in profile.places.values() for name in (place.name, *place.aliases)]
    names += [area.name for area in profile.areas.values() if area.level != "grid"]
    for (
        name
    ) in names:  # 火车站、水库路: what is inside a place's name says nothing about the matter
        if len(name) > 1 and name not in votes:
            special.setdefault(name, "trap")
    compiled = [_Phrase(text, kind, ()) for text, kind in special.items()]
    for word, classes in votes.items():
        if not word or word in special:
            continue
        rarity = log(1 + total / len(classes)) / log(1 + total)
        length = min(len(word), 6) / 3 + 0.2
        weighed = tuple((code, w * rarity * length) for code, w in classes.items())
        compiled.append(_Phrase(word, "say", weighed))
    return compiled
