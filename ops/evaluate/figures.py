"""A table of figures, and the figures that several parts need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass
class Table:
    """Rows of cells under a title; ``note`` says what the figures were made from."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: str | int | float) -> None:
        """Shares are floats and shown as percentages; counts are integers."""
        self.rows.append(tuple(f"{c:.1%}" if isinstance(c, float) else str(c) for c in cells))


class Hits(NamedTuple):
    recall: float
    precision: float


def hits(said: Iterable[bool], true: Iterable[bool]) -> Hits:
    """Recall and precision; 1.0 where there was nothing to find or nothing was said."""
    pairs = list(zip(said, true, strict=True))
    both = sum(s and t for s, t in pairs)
    wanted, found = sum(t for _, t in pairs), sum(s for s, _ in pairs)
    return Hits(both / wanted if wanted else 1.0, both / found if found else 1.0)


def f1_by_class(said: Sequence[str], true: Sequence[str]) -> dict[str, float]:
    """F1 of each class that occurs in ``true``, in the order of their names."""
    scores = {}
    for name in sorted(set(true)):
        both = sum(s == t == name for s, t in zip(said, true, strict=True))
        either = sum(s == name for s in said) + sum(t == name for t in true)
        scores[name] = 2 * both / either if either else 0.0
    return scores


def macro_f1(said: Sequence[str], true: Sequence[str]) -> float:
    """Mean F1 over the classes that occur in ``true``."""
    scores = f1_by_class(said, true).values()
    return sum(scores) / len(scores) if scores else 0.0


def interval(said: Sequence[str], true: Sequence[str], draws: int = 500) -> tuple[float, float]:
    """Where 95 of 100 macro F1 fall when as many texts are drawn again, with repetition (Efron's
    bootstrap; the same draws every time)."""
    chance = np.random.default_rng(0)
    scores = []
    for _ in range(draws):
        drawn = chance.integers(0, len(true), len(true)).tolist()
        scores.append(macro_f1([said[n] for n in drawn], [true[n] for n in drawn]))
    low, high = np.percentile(scores, (2.5, 97.5)).tolist()
    return low, high


def pairs_of(groups: Iterable[Sequence[str]]) -> set[tuple[str, str]]:
    """Every two members of a group, as ordered pairs."""
    return {
        (a, b) if a < b else (b, a)
        for group in groups
        for n, a in enumerate(group)
        for b in group[n + 1 :]
        if a != b
    }
