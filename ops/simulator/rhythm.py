"""When things happen: shapes of a day and a week, and how many a day. All pure draws."""

# ruff: noqa: E501  (tables, aligned to be read)
from __future__ import annotations

import math
from bisect import bisect
from itertools import accumulate
from random import Random
from typing import NamedTuple

DAY = 86_400.0

#: Weight of each hour of the day (Shanghai), any scale. The first peak of the hotlines is 9 to 11,
#: the second 15 to 17.
# fmt: off
#             0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20  21  22  23
SHAPES: dict[str, tuple[float, ...]] = {
    "flat":    (1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1),
    "hotline": (2,  1,  1,  1,  1,  2,  5, 10, 22, 42, 44, 28, 15, 16, 26, 38, 40, 24, 14, 12, 11,  9,  6,  3),
    "police":  (9,  6,  4,  3,  3,  4,  7, 12, 16, 18, 18, 17, 15, 15, 16, 17, 18, 20, 21, 22, 22, 20, 17, 13),
    "office":  (0,  0,  0,  0,  0,  0,  0,  1, 10, 30, 34, 22,  5,  6, 26, 30, 26, 12,  3,  1,  1,  0,  0,  0),
    "patrol":  (0,  0,  0,  0,  0,  1,  6, 14, 30, 36, 34, 20,  6, 10, 26, 32, 28, 14,  6,  5,  3,  1,  0,  0),
    "citizen": (3,  2,  1,  1,  1,  2,  8, 16, 18, 16, 15, 15, 18, 16, 13, 13, 14, 18, 24, 28, 28, 24, 15,  7),
    "morning": (1,  1,  1,  2,  6, 14, 26, 34, 30, 18,  9,  5,  4,  4,  4,  4,  4,  5,  5,  4,  3,  2,  1,  1),
    "night":   (40, 26, 16, 9,  6,  5,  5,  4,  3,  2,  2,  2,  4,  3,  2,  2,  2,  3,  6, 14, 26, 44, 60, 56),
    "evening": (2,  1,  1,  1,  1,  1,  4,  8,  5,  3,  3,  4,  6,  4,  3,  3,  5, 14, 30, 36, 34, 26, 14,  6),
    "cooking": (1,  1,  1,  1,  1,  3,  8, 10,  6,  4,  8, 22, 18,  6,  4,  5, 10, 26, 28, 16,  8,  5,  3,  2),
    "leisure": (2,  1,  1,  0,  0,  0,  1,  3,  5,  8, 10, 11, 12, 12, 12, 13, 14, 16, 18, 20, 20, 17, 12,  6),
    "commute": (2,  1,  1,  1,  1,  4, 16, 52, 60, 22, 14, 18, 22, 18, 14, 14, 18, 44, 62, 42, 26, 18, 10,  5),
    "weekend": (3,  2,  1,  1,  1,  2,  6, 14, 22, 30, 34, 32, 28, 26, 28, 32, 34, 36, 36, 32, 26, 20, 12,  6),
}

#: Factor of each weekday, Monday first.
WEEKS: dict[str, tuple[float, ...]] = {
    "even":   (1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00),
    "work":   (1.25, 1.15, 1.10, 1.08, 1.05, 0.62, 0.52),
    "office": (1.40, 1.30, 1.25, 1.20, 1.15, 0.08, 0.05),
    "free":   (0.90, 0.88, 0.90, 0.92, 1.05, 1.22, 1.15),
}


class Voice(NamedTuple):
    """How often and when people report on a channel. ``per_1000`` reports a day, 1,000 households."""

    channel: str
    per_1000: float
    shape: str
    week: str


# A city of a million households hears about 3,700 reports a day: the order of the five systems'
# published figures (63,800 to 340,000 a year for far smaller places, few of them from hotlines).
VOICES: tuple[Voice, ...] = (
    Voice("hotline_12345", 1.60, "hotline", "work"),
    Voice("hotline_12319", 0.25, "hotline", "work"),
    Voice("police_110",    0.35, "police",  "free"),
    Voice("petition",      0.03, "office",  "office"),
    Voice("grid_app",      0.90, "patrol",  "work"),
    Voice("mini_app",      0.50, "citizen", "free"),
    Voice("watch_desk",    0.08, "flat",    "even"),
)

#: First matching prefix of a class: how common it is, and when it is seen beside the channel's day.
CLASS_MOODS: tuple[tuple[str, float, str], ...] = (
    ("0501",   3.0, "morning"),   # refuse: before the lorries have come
    ("0802",   3.2, "night"),     # noise
    ("0203",   1.6, "evening"),   # e-bikes come home
    ("080102", 1.5, "cooking"),
    ("0701",   3.5, "evening"),   # parking
    ("0502",   1.8, "leisure"),
    ("0602",   1.2, "flat"),
    ("0604",   1.8, "flat"),
    ("0901",   2.4, "flat"),
    ("0101",   0.8, "flat"),
    ("13",     0.3, "flat"),
    ("",       1.0, "flat"),
)
# fmt: on

#: A grade-1 text is rare: most emergencies in a day come from the bursts, where they belong.
GRADE_SHARE: dict[int, float] = {1: 0.05, 2: 0.5, 3: 1.0, 4: 0.8}

#: Classes of one season: months in which they are heard.
SEASONS: dict[str, frozenset[int]] = {
    "060407": frozenset({11, 12, 1, 2, 3}),
    "060203": frozenset({5, 6, 7, 8, 9}),
}


def shares(shape: str) -> tuple[float, ...]:
    """Share of each hour in the day; 24 figures that sum to 1."""
    weights = SHAPES[shape]
    total = sum(weights)
    return tuple(w / total for w in weights)


_CUMULATIVE = {name: tuple(accumulate(weights)) for name, weights in SHAPES.items()}


def second_of_day(rng: Random, shape: str) -> float:
    """A moment of the day, seconds since midnight, drawn by the shape."""
    cumulative = _CUMULATIVE[shape]
    hour = bisect(cumulative, rng.random() * cumulative[-1])
    return min(hour, 23) * 3600 + rng.random() * 3600


def level(shape: str, second: float) -> float:
    """The shape's level at a second of the day, 1 = its mean, straight lines between half hours."""
    weights = SHAPES[shape]
    position = (second / 3600 - 0.5) % 24
    hour = int(position)
    part = position - hour
    here, there = weights[hour], weights[(hour + 1) % 24]
    return (here + (there - here) * part) * 24 / sum(weights)


def mood(class_code: str) -> tuple[float, str]:
    """(how common, shape) of a class: the first row of CLASS_MOODS whose prefix fits."""
    for prefix, common, shape in CLASS_MOODS:
        if class_code.startswith(prefix):
            return common, shape
    raise AssertionError("the last row catches all")


def poisson(rng: Random, mean: float) -> int:
    """A Poisson draw; the normal approximation from 30 on."""
    if mean <= 0:
        return 0
    if mean >= 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
