from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.core.breaker import CEILING, LEAST, Breaker


def test_a_few_bad_records_never_trip_it() -> None:
    breaker = Breaker()
    assert not any(breaker.trips(bad=1, seen=1, last=n) for n in range(LEAST - 1))


def test_a_flood_trips_it_and_good_ones_let_it_recover() -> None:
    breaker = Breaker()
    assert not breaker.trips(0, 1000, 999)
    assert breaker.trips(900, 1000, 1999)
    assert not breaker.trips(10, 1000, 2999)


def test_a_slow_stream_of_bad_records_trips_it_too() -> None:
    breaker = Breaker()
    tripped = [n for n in range(400) if breaker.trips(bad=n >= 100, seen=1, last=n)]
    assert tripped[0] == 200  # 101 of the last 200 were bad


def test_up_to_where_an_operator_lets_them_through_it_keeps_still() -> None:
    breaker = Breaker(passed=500)
    assert not breaker.trips(400, 400, 399)
    assert breaker.trips(400, 400, 799)


@given(runs=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), max_size=30))
def test_it_trips_exactly_when_the_newest_records_are_mostly_bad(
    runs: list[tuple[int, int]],
) -> None:
    breaker, looks = Breaker(), []
    for bad, seen in ((min(bad, seen), seen) for bad, seen in runs):
        looks.append((bad, seen))
        newest: list[tuple[int, int]] = []
        for look in reversed(looks):
            if sum(s for _, s in newest) >= LEAST:
                break
            newest.append(look)
        whole = sum(s for _, s in newest)
        want = whole >= LEAST and sum(b for b, _ in newest) > CEILING * whole
        assert breaker.trips(bad, seen, 10) is want
