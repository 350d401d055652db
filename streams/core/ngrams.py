"""What words sound like: a linear model over one to four neighbouring characters.

Residents rarely use the official word, but what they say shares characters with it and with what
others said before. ``streams.core.training`` learns a ``Model``; here it is only listened to.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from ahocorasick_rs import AhoCorasick
from numpy.typing import NDArray

Scores = NDArray[np.float32]

LONGEST = 4  # characters of a gram
LISTENED = 400  # characters of a text that are listened to; a petition's matter stands at its front
_WORDS = re.compile(r"[\u3400-\u9fff]+")  # letters are names: KTV and APP are phrases


@dataclass(frozen=True)
class Model:
    """What was learned. ``weights``: a row a gram, a column a class of ``labels`` in order and one
    of danger at the end; they apply to the sum over a text's grams divided by its length, the root
    of the sum of ``idf`` squared."""

    labels: tuple[str, ...]
    grams: tuple[str, ...]
    idf: Scores
    weights: Scores
    bias: Scores
    mix: float  # weight of the model's scores beside those of phrases
    sharpness: float  # chance of a class = softmax of scores times this
    danger_bar: float  # danger from which on a text is an emergency by its sound
    curve: tuple[tuple[float, float], ...] = ()  # chance → how often that was right, both rising
    digest: str = ""  # of what it was learned from


class Ngrams:
    """``scores(text)`` → one score a class in the order of labels, about 0..1, and last that of
    danger, about -1..1."""

    def __init__(self, model: Model) -> None:
        self._idf = model.idf * model.idf
        self._weights = model.weights
        self._bias = model.bias
        self._silent = np.zeros_like(model.bias)
        self._silent[-1] = -1.0
        self._find = AhoCorasick(model.grams or ("\0",)).find_matches_as_indexes
        self._empty = not model.grams

    def scores(self, text: str) -> Scores:
        found = {match[0] for match in self._find(text[:LISTENED], overlapping=True)}
        if not found or self._empty:
            return self._silent.copy()
        heard = list(found)
        summed: Scores = self._weights.take(heard, axis=0).sum(axis=0)  # no BLAS: no threads
        summed /= sqrt(float(self._idf.take(heard).sum()))
        summed += self._bias
        return summed


def confidence_at(curve: tuple[tuple[float, float], ...], chance: float) -> float:
    """How often a class of this chance was right; the chance itself without a curve."""
    if not curve:
        return chance
    at = bisect_left(curve, (chance,))
    if at in (0, len(curve)):
        return curve[min(at, len(curve) - 1)][1]
    (low, first), (high, second) = curve[at - 1], curve[at]
    return first + (second - first) * (chance - low) / (high - low)


def grams(text: str, longest: int = LONGEST) -> Iterable[str]:
    """Runs of up to ``longest`` neighbouring characters; punctuation ends a run."""
    for word in _WORDS.findall(text):
        for size in range(1, longest + 1):
            for n in range(len(word) - size + 1):
                yield word[n : n + size]
