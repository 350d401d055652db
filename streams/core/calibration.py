"""What scores mean: how sure a class is, and from where on a text is an emergency.

All of it is set on texts the model had not read (``streams.core.training``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.ngrams import LENGTHS, RARE, Alarm, Scores

Truth = NDArray[np.bool_]
Labels = NDArray[np.intp]
Numbers = NDArray[np.float64]

LEANING = 2.0  # how much more recall weighs than precision, as the beta of an F score
USUAL = 0.14  # share of emergencies among texts as they come; the texts learned have more
_BINS = 20  # of the curve of confidence
_SHARPNESS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4)


class Judged(NamedTuple):
    """Unread texts. ``scores``: a row a text, a column a class; ``sound``: of danger; ``lengths``:
    characters."""

    scores: Scores
    sound: Scores
    lengths: Labels
    sharpness: float

    def chances(self) -> Scores:
        """Of each class, a row a text adding up to 1."""
        sharp = self.scores * np.float32(self.sharpness)
        spread: Scores = np.exp(sharp - sharp.max(axis=1, keepdims=True, initial=-np.inf))
        spread /= spread.sum(axis=1, keepdims=True)
        return spread

    def chance(self) -> Scores:
        """Of the best class."""
        found: Scores = self.chances().max(axis=1, initial=0.0)
        return found

    def best(self) -> Labels:
        """Index of the best class."""
        found: Labels = self.scores.argmax(axis=1)
        return found

    def danger(self, shares: Scores, alarm: Alarm, lean: Numbers) -> Numbers:
        """As ``streams.core.ngrams.danger_of``, of all texts; ``lean``: log odds of phrases."""
        found: Numbers = np.tanh((_evidence(self, shares) @ np.array(alarm) + lean) / 2.0)
        return found


def _evidence(judged: Judged, shares: Scores) -> Numbers:
    """A row a text: 1, how it sounds, log odds of the share of emergencies in its classes, log of
    its length."""
    share = np.clip((judged.chances() @ shares).astype(np.float64), RARE, 1.0 - RARE)
    said = np.log(np.clip(judged.lengths, *LENGTHS))
    ones = np.ones(len(share))
    return np.stack([ones, judged.sound, np.log(share / (1.0 - share)), said], axis=1)


def set_alarm(judged: Judged, shares: Scores, danger: Labels) -> Alarm:
    """Logistic regression of emergencies (1 | -1; 0 = not said) on sound, classes and length, by
    Newton's method; neither sound nor classes may speak for calm. The sound alone with fewer than
    50 emergencies."""
    known = np.flatnonzero(danger)
    if (danger > 0).sum() < 50:
        return (0.0, 2.0, 0.0, 0.0)
    evidence = _evidence(judged, shares)[known]
    real = (danger[known] > 0).astype(np.float64)
    weights = np.zeros(evidence.shape[1])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-evidence @ weights))
        slope = evidence.T @ (chance - real) + 1e-3 * weights
        bend = (evidence * (chance * (1.0 - chance))[:, None]).T @ evidence + 1e-3 * np.eye(
            len(weights)
        )
        weights -= np.linalg.solve(bend, slope)
    constant, of_sound, of_share, of_length = weights.tolist()
    return (constant, max(of_sound, 0.0), max(of_share, 0.0), of_length)


def set_bar(danger: Numbers, heard: Truth, truth: Labels) -> float:
    """The bar of danger from which on a text is an emergency, beside those heard by phrases: where
    recall and precision are best, were emergencies as rare as ``USUAL``, recall weighing more
    (F score with beta ``LEANING``). 0.0 with fewer than 50 emergencies."""
    real, calm = truth > 0, truth < 0
    if real.sum() < 50 or not calm.any():
        return 0.0
    best = (-1.0, 0.0)
    for bar in np.arange(-0.98, 0.99, 0.02).round(2).tolist():
        taken = heard | (danger >= bar)
        found = USUAL * float(taken[real].mean())
        said = found + (1.0 - USUAL) * float(taken[calm].mean())
        best = max(best, ((1 + LEANING**2) * found / (LEANING**2 * USUAL + said), bar))
    return best[1]


def set_confidence(
    learned: Scores, votes: Scores, labels: Labels, trust: Numbers, mixes: Sequence[float]
) -> tuple[float, float]:
    """Weight of the model beside the votes of phrases, and ``sharpness``, that make the right
    classes most likely. Defaults with fewer than 100 texts of a class."""
    named = labels >= 0
    if named.sum() < 100:
        return (16.0 if 16.0 in mixes else mixes[0]), 0.8
    learned, votes, trust = learned[named], votes[named], trust[named]
    right = (np.arange(len(learned)), labels[named])
    best = (np.inf, mixes[0], 0.8)
    for mix in mixes:
        scores = votes + np.float32(mix) * learned
        for sharpness in _SHARPNESS:
            sharp = scores * np.float32(sharpness)
            top = sharp.max(axis=1)
            spread = top + np.log(np.exp(sharp - top[:, None]).sum(axis=1))
            best = min(best, (float(trust @ (spread - sharp[right])), mix, sharpness))
    return best[1], best[2]


def curve_of(chance: Scores | Numbers, right: Truth) -> tuple[tuple[float, float], ...]:
    """Chance → share that was right, over bins of equally many texts, made rising by pooling
    neighbours that fall (Ayer et al. 1955). () for fewer than 200 texts."""
    if len(chance) < 200:
        return ()
    order = np.argsort(chance, kind="stable")
    pools: list[list[float]] = []  # texts, sum of chances, number right
    for part in np.array_split(order, _BINS):
        pools.append([float(len(part)), float(chance[part].sum()), float(right[part].sum())])
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    return tuple((said / n, hits / n) for n, said, hits in pools)
