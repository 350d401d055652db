from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import event_id
from streams.core.recent import RecentIds

NAMES = [event_id("fire_iot", "s", str(n)) for n in range(6)]


def test_the_first_place_counts_and_later_ones_are_repeats() -> None:
    recent = RecentIds()
    assert not recent.repeated(NAMES[0], 5, 0)
    assert recent.repeated(NAMES[0], 5, 1)
    assert recent.repeated(NAMES[0], 6, 0)


def test_reading_the_same_record_again_is_no_repeat() -> None:
    recent = RecentIds(known=[(NAMES[0], 5, 0)])
    assert not recent.repeated(NAMES[0], 5, 0)
    assert recent.repeated(NAMES[0], 9, 0)


def test_memory_is_bounded_and_the_oldest_goes() -> None:
    recent = RecentIds(window=100)
    for n in range(1000):
        recent.repeated(event_id("c", "s", str(n)), n, 0)
    assert len(recent) <= 200
    assert recent.repeated(event_id("c", "s", "999"), 1000, 0)
    assert not recent.repeated(event_id("c", "s", "0"), 1001, 0)


@given(log=st.lists(st.sampled_from(NAMES), max_size=40), cut=st.integers(0, 40))
def test_a_restart_anywhere_decides_the_same(log: list[str], cut: int) -> None:
    """Whatever was stored before the crash, reading on from any earlier offset changes nothing."""
    whole = RecentIds(window=15)
    want = [whole.repeated(name, offset, 0) for offset, name in enumerate(log)]
    stored = [(name, o, 0) for o, name in enumerate(log[:cut]) if not want[o]]
    start = max(0, cut - 7)
    after = RecentIds(15, [row for row in stored if row[1] > start - 15])
    assert [after.repeated(n, o, 0) for o, n in enumerate(log) if o >= start] == want[start:]


def test_an_id_that_counted_anew_is_still_a_repeat_before_that() -> None:
    """Offsets 0 and 15 both counted; reading 14 again after a restart must find the one at 0."""
    recent = RecentIds(15, [(NAMES[0], 0, 0), (NAMES[0], 15, 0)])
    assert recent.repeated(NAMES[0], 14, 0)
    assert not recent.repeated(NAMES[0], 15, 0)
    assert recent.repeated(NAMES[0], 16, 0)
