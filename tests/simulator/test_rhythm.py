"""Shapes of the day: shares sum to one, peaks stand where the field has them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.simulator import rhythm


@pytest.mark.parametrize("shape", rhythm.SHAPES)
def test_a_shape_has_24_hours_and_a_mean_of_one(shape: str) -> None:
    assert len(rhythm.SHAPES[shape]) == 24
    assert sum(rhythm.shares(shape)) == pytest.approx(1)
    levels = [rhythm.level(shape, s) for s in range(0, 86_400, 300)]
    assert sum(levels) / len(levels) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("week", rhythm.WEEKS)
def test_a_week_has_seven_days_and_a_mean_near_one(week: str) -> None:
    assert len(rhythm.WEEKS[week]) == 7
    assert sum(rhythm.WEEKS[week]) / 7 == pytest.approx(1, abs=0.11)


def test_the_hotline_peaks_at_nine_to_eleven_and_fifteen_to_seventeen() -> None:
    shares = rhythm.shares("hotline")
    busiest = sorted(range(24), key=lambda h: -shares[h])[:4]
    assert set(busiest) == {9, 10, 15, 16}
    assert shares[10] > 10 * shares[3]


@pytest.mark.parametrize(
    ("code", "shape"),
    [("050101", "morning"), ("080203", "night"), ("020303", "evening"), ("130101", "flat")],
)  # fmt: skip
def test_a_class_has_its_own_hours(code: str, shape: str) -> None:
    assert rhythm.mood(code)[1] == shape


@given(st.integers(), st.sampled_from(sorted(rhythm.SHAPES)))
def test_a_drawn_second_lies_in_the_day(seed: int, shape: str) -> None:
    assert 0 <= rhythm.second_of_day(Random(seed), shape) < rhythm.DAY


def test_draws_follow_the_shape() -> None:
    rng = Random(1)
    hours = [int(rhythm.second_of_day(rng, "morning") // 3600) for _ in range(20_000)]
    shares = rhythm.shares("morning")
    for hour in (3, 7, 14):
        assert hours.count(hour) / 20_000 == pytest.approx(shares[hour], abs=0.01)


@pytest.mark.parametrize("mean", [0.0, 0.4, 7.0, 400.0])
def test_poisson_has_its_mean(mean: float) -> None:
    rng = Random(2)
    draws = [rhythm.poisson(rng, mean) for _ in range(4000)]
    assert min(draws) >= 0
    assert sum(draws) / 4000 == pytest.approx(mean, rel=0.06, abs=0.001)
