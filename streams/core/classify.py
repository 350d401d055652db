"""Text → class: weighted phrases of the profile and a linear model over its characters, added up.

A phrase weighs by how rare it is among the classes and by its length; one inside a longer one,
behind a negation or inside a place's name counts little or nothing. Phrases give the reasons an
operator understands; the model (``streams.core.ngrams``) hears what is worded differently.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

import numpy as np
from ahocorasick_rs import AhoCorasick

from schemas.profile import Profile
from streams.core.ngrams import Ngrams, Scores
from streams.core.phrases import GAP, follow, parts_of

NEGATED = 0.1  # what is left of a phrase right behind a negation
INSIDE = 0.35  # of a phrase inside a longer one that counts
TITLE = 1.5  # a phrase in the title weighs more
REACH = 2  # characters between a negation and what it denies
MODEL = 16.0  # weight of the model's scores beside those of phrases
# Confidence = 1 / (1 + exp(-(BIAS + LEAD · lead over the second + TOP · best score))).
UNHEARD = 0.7  # of the confidence in a class only the model speaks for
BIAS, LEAD, TOP = -2.7, 0.92, 0.72


class Classified(NamedTuple):
    """``code`` is the best class, "" when nothing was recognised; ``confidence`` is 0..1."""

    code: str
    confidence: float
    top3: tuple[str, ...]
    reasons: tuple[str, ...]
    danger: float = -1.0  # how much the wording sounds like an emergency, about -1..1


NOTHING = Classified("", 0.0, (), ("没有可识别的内容",))


class _Phrase(NamedTuple):
    kind: str  # "say" | "negation" | "trap"
    says: tuple[tuple[str, tuple[str, ...], tuple[tuple[int, float], ...]], ...]
    # of each phrase that begins so: as shown, its parts behind gaps, (class index, weight)


class Classifier:
    """Compiled phrases of a profile."""

    def __init__(self, profile: Profile) -> None:
        self.codes = list(profile.taxonomy)
        self._names = [row.name for row in profile.taxonomy.values()]
        self._texts, self._phrases = _compile(profile)
        self._longest = max(map(len, self._texts), default=0)
        self._find = AhoCorasick(self._texts).find_matches_as_indexes
        self._model = Ngrams(*_documents(profile))

    def classify(self, text: str, title: str = "", channel: str = "") -> Classified:
        """The three best classes of a text. ``channel`` is for later use."""
        whole = f"{title}\n{text}" if title else text
        learned = self._model.scores(whole)
        scores = learned[:-1] * MODEL
        heard: dict[int, list[str]] = {}
        for shown, factor, votes in self._said(whole, len(title)):
            for index, weight in votes:
                scores[index] += weight * factor
                heard.setdefault(index, []).append(shown)
        return self._rank(scores, heard, float(learned[-1]))

    def _said(
        self, text: str, title: int
    ) -> list[tuple[str, float, tuple[tuple[int, float], ...]]]:
        """Phrases that count in a text, once each, with the factor their surroundings leave."""
        matches = self._find(text, overlapping=True)
        phrases = self._phrases
        said: dict[str, tuple[str, float, tuple[tuple[int, float], ...]]] = {}
        for n, (index, start, end) in enumerate(matches):
            phrase = phrases[index]
            if not phrase.says:
                continue
            factor = _factor(matches, phrases, n, self._longest)
            if not factor:
                continue
            if start < title:
                factor *= TITLE
            for shown, parts, votes in phrase.says:
                if parts and follow(text, parts, end) is None:
                    continue
                if shown not in said or said[shown][1] < factor:
                    said[shown] = (shown, factor, votes)
        return list(said.values())

    def _rank(self, scores: Scores, heard: dict[int, list[str]], danger: float) -> Classified:
        best: list[int] = []
        values: list[float] = []
        for _ in range(min(3, len(scores))):  # three maxima cost half of one partial sort
            index = int(scores.argmax())
            best.append(index)
            values.append(float(scores[index]))
            scores[index] = -np.inf
        top, rest = values[0], values[1] if len(values) > 1 else 0.0
        if top <= 0:
            return NOTHING
        first, codes = best[0], self.codes
        confidence = 1 / (1 + exp(-(BIAS + LEAD * (top - rest) + TOP * top)))
        if first not in heard:
            confidence *= UNHEARD
        words = "、".join(f"“{word}”" for word in heard.get(first, [])[:4])
        reason = f"出现{words}" if words else "用词与该类相近"
        reasons = [f"{self._names[first]}:{reason}"]
        if rest > 0.7 * top and len(best) > 1:
            reasons.append(f"也可能是{self._names[best[1]]}")
        top3 = tuple(codes[n] for n in best)
        return Classified(codes[first], confidence, top3, tuple(reasons), danger)


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


def _documents(profile: Profile) -> tuple[list[list[str]], list[bool], list[str]]:
    """What the model learns from: phrases of each class, which are of grade 1, and of danger."""
    documents = {code: [row.name, *row.keywords] for code, row in profile.taxonomy.items()}
    dangers = []
    for phrase in profile.phrases:
        if phrase.kind == "weight" and phrase.class_code in documents and phrase.weight > 0:
            documents[phrase.class_code].append(phrase.phrase)
        elif phrase.kind == "emergency" and phrase.weight >= 1:
            dangers.append(phrase.phrase)
    return list(documents.values()), [r.grade == 1 for r in profile.taxonomy.values()], dangers


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
