"""What words sound like: a linear model over single characters and pairs, learned from the profile.

Residents rarely use the official word, but what they say shares characters with it. One document a
class (its name, keywords and weighted phrases), tf-idf, ridge regression in its dual form: 254
documents solve in 50 ms at start, so there is no artefact to ship or to go stale. A last column
learns danger: phrases of emergencies and grade-1 classes against all other classes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import log, sqrt

import numpy as np
from ahocorasick_rs import AhoCorasick
from numpy.typing import NDArray

Scores = NDArray[np.float32]

_RIDGE = 1.0
_BUNCHES = 150  # documents the phrases of danger are dealt into: one phrase alone says too little
_CLASS_WEIGHT = 0.3  # of a class's document beside such a bunch
_WORDS = re.compile(r"[\u3400-\u9fff]+")  # letters are names: KTV and APP are phrases
_LONGEST = 400  # characters of a text that are listened to; a petition's matter stands at its front


class Ngrams:
    """``scores(text)`` → one score a class in the order given, about 0..1, and last that of danger,
    about -1..1."""

    def __init__(self, classes: list[list[str]], critical: list[bool], dangers: list[str]) -> None:
        """``classes``: phrases of each; ``critical``: is it of grade 1; ``dangers``: phrases."""
        bunches = [dangers[n::_BUNCHES] for n in range(_BUNCHES) if dangers[n::_BUNCHES]]
        counts = [Counter(g for p in phrases for g in grams(p)) for phrases in classes + bunches]
        spread = Counter(gram for count in counts for gram in count)
        self._grams = sorted(spread)
        total = len(counts)
        self._idf = np.array(
            [log((1 + total) / (1 + spread[g])) + 1 for g in self._grams], dtype=np.float32
        )
        rows = self._rows(counts)
        named = rows[: len(classes)]
        weights = np.column_stack([_ridge(named), _danger(rows, critical)])
        self._bias = weights[-1].astype(np.float32)
        self._weights = np.ascontiguousarray(weights[:-1] * self._idf[:, None], dtype=np.float32)
        self._find = AhoCorasick(self._grams or ["\0"]).find_matches_as_indexes

    def scores(self, text: str) -> Scores:
        found = {match[0] for match in self._find(text[:_LONGEST], overlapping=True)}
        if not found or not self._grams:
            return np.zeros_like(self._bias)
        heard = list(found)
        idf = self._idf[heard]
        summed: Scores = self._weights.take(heard, axis=0).sum(axis=0)  # no BLAS: no threads
        summed /= sqrt(float(idf @ idf))
        summed += self._bias
        return summed

    def _rows(self, counts: list[Counter[str]]) -> Scores:
        """tf-idf of documents, each of length 1."""
        index = {gram: n for n, gram in enumerate(self._grams)}
        rows = np.zeros((len(counts), len(self._grams)), dtype=np.float32)
        for n, count in enumerate(counts):
            for gram, times in count.items():
                rows[n, index[gram]] = (1 + log(times)) * self._idf[index[gram]]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(lengths > 0, lengths, 1)
        return rows


def _ridge(rows: Scores) -> NDArray[np.float64]:
    """Weights by which each document names itself, and no bias (last row)."""
    weights = rows.T @ np.linalg.inv(rows @ rows.T + _RIDGE * np.eye(len(rows)))
    return np.vstack([weights, np.zeros(len(rows))])


def _danger(rows: Scores, critical: list[bool]) -> NDArray[np.float64]:
    """Weights of danger and its bias (last), both sides counting the same."""
    bunches = len(rows) - len(critical)
    target = np.where([*critical, *[True] * bunches], 1.0, -1.0)
    trust = np.array([_CLASS_WEIGHT] * len(critical) + [1.0] * bunches)
    danger, calm = trust[target > 0].sum(), trust[target < 0].sum()
    if not danger or not calm:
        return np.zeros(rows.shape[1] + 1)
    trust[target > 0] *= calm / danger
    kernel = rows @ rows.T + 1.0 + np.diag(_RIDGE / trust)
    alpha = np.linalg.solve(kernel.astype(np.float64), target)
    return np.append(rows.T @ alpha, alpha.sum())


def grams(text: str) -> Iterable[str]:
    """Characters and pairs of neighbours; punctuation ends a pair."""
    for word in _WORDS.findall(text):
        yield from word
        for n in range(len(word) - 1):
            yield word[n : n + 2]
