"""What words sound like: a linear model over one to four neighbouring characters.

Residents rarely use the official word, but what they say shares characters with it and with what
others said before. ``streams.core.training`` learns a ``Model``; here it is only listened to.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import log, sqrt, tanh
from typing import Any

import numpy as np
from ahocorasick_rs import AhoCorasick
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Steps = NDArray[np.int8]

Alarm = tuple[float, float, float, float]  # constant, weights of sound, of classes, of length

LONGEST = 4  # characters of a gram
LISTENED = 400  # characters of a text that are listened to; a petition's matter stands at its front
RARE = 0.01  # a share of emergencies is taken for no less, and for no more than 1 less this
LENGTHS = (2, 120)  # characters; a text is taken for no shorter and no longer
_STEPS = 127  # a weight is kept as one of so many steps of its column's largest, either way
_SHORT = 32_767 // _STEPS  # grams whose steps add up in 16 bits
_WORDS = re.compile(r"[\u3400-\u9fff]+")  # letters are names: KTV and APP are phrases


@dataclass(frozen=True)
class Model:
    """What was learned. ``steps`` times ``scale`` are its weights: a row a gram, a column a class
    of ``labels`` in order and one of danger at the end; they apply to the sum over a text's grams
    divided by its length, the root of the sum of ``idf`` squared."""

    labels: tuple[str, ...]
    grams: tuple[str, ...]
    idf: Scores
    steps: Steps  # a quarter of the memory of weights, and what was written is what was learned
    scale: Scores  # of each column
    bias: Scores
    mix: float  # weight of the model's scores beside those of phrases
    sharpness: float  # chance of a class = softmax of scores times this
    shares: Scores  # how many texts of each class are emergencies
    alarm: Alarm  # log odds of an emergency
    danger_bar: float  # danger from which on a text is an emergency by its sound
    curve: tuple[tuple[float, float], ...] = ()  # chance → how often that was right, both rising
    digest: str = ""  # of what it was learned from


def stepped(weights: NDArray[np.floating[Any]]) -> tuple[Steps, Scores]:
    """Weights as whole steps of their column's largest, and the size of a step."""
    scale = (np.abs(weights).max(axis=0, initial=1e-9) / _STEPS).astype(np.float32)
    return np.rint(weights / scale).astype(np.int8), scale


class Ngrams:
    """``scores(text)`` → one score a class in the order of labels, about 0..1, and last that of
    danger, about -1..1."""

    def __init__(self, model: Model) -> None:
        self._idf = model.idf * model.idf
        self._steps, self._scale = model.steps, model.scale
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
        wide = np.int16 if len(heard) <= _SHORT else np.int32  # int16 is a fifth faster
        steps = np.add.reduce(self._steps.take(heard, axis=0), dtype=wide)
        summed: Scores = np.multiply(steps, self._scale, dtype=np.float32)
        summed /= sqrt(float(np.add.reduce(self._idf.take(heard))))
        summed += self._bias
        return summed


def danger_of(alarm: Alarm, sound: float, share: float, length: int) -> float:
    """-1 (surely calm) .. 1 (surely an emergency), from how a text sounds, how many texts of the
    classes it may be of are emergencies, and its ``length`` in characters: what three words sound
    like is worth less than what thirty do."""
    constant, of_sound, of_share, of_length = alarm
    share = min(max(share, RARE), 1.0 - RARE)
    said = log(min(max(length, LENGTHS[0]), LENGTHS[1]))
    odds = constant + of_sound * sound + of_share * log(share / (1.0 - share)) + of_length * said
    return tanh(odds / 2.0)


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
