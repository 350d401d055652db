"""Weights of classes from counts: complement naive Bayes, for texts longer than what was learned.

A class's weight of a gram is how rare the gram is in the texts of all the others (Rennie et al.,
Tackling the Poor Assumptions of Naive Bayes Text Classifiers, ICML 2003). Counting forgets nothing
and fits nothing, so what was learned from lines holds for letters, which say much beside the
matter; ridge regression (``streams.core.training``) is better among lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.core.sparse import Row

SMOOTHING = 1.0  # of a gram in the texts of the others, before anything was counted


def complement(
    rows: Sequence[Row], labels: Sequence[int], classes: int, size: int
) -> NDArray[np.float64]:
    """Weights: a row a gram of ``size``, a column a class, summing to 0 over the classes. A
    document of label -1 is of no class and so among the others of each: its words weigh less
    everywhere."""
    own = np.zeros((classes, size))
    everything = np.full(size, SMOOTHING)
    for (heard, values), label in zip(rows, labels, strict=True):
        everything[heard] += values
        if label >= 0:
            own[label, heard] += values
    others = everything - own
    weights = np.log(others.sum(axis=1))[:, None] - np.log(others)
    found: NDArray[np.float64] = (weights - weights.mean(axis=0)).T
    return found
