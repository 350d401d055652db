"""Patterns as rows: what completes one, whatever the order of coming."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alarm import Seen, Watch
from schemas.alarm_rules import MOST_HITS, AlarmPattern, steps_of
from schemas.ids import SHANGHAI
from streams.core.patterns import Compiled, compiled, hit, listens

NOON = datetime(2026, 3, 11, 12, 0, tzinfo=SHANGHAI)


def pattern(steps: str, **fields: Any) -> Compiled:
    known: dict[str, Any] = {
        "pattern_id": "p", "name": "组合", "steps": steps, "scope": "zone", "distinct": "event",
        "within_minutes": 10, "effect": "confirm",
    }  # fmt: skip
    return compiled(AlarmPattern(**(known | fields)))


def seen(code: str, minute: float, device: str = "d", kind: str = "smoke") -> Seen:
    return Seen(event_id=f"{code}-{device}-{minute}", at=NOON + timedelta(minutes=minute),
                device_id=device, event_code=code, kind=kind)  # fmt: skip


def fed(rule: Compiled, signals: list[Seen]) -> list[int]:
    """Numbers of the signals that completed the pattern."""
    watch: Watch | None = None
    fired = []
    for number, one in enumerate(signals):
        if listens(rule, one) and (found := hit(watch, rule, "g", one)):
            watch, taken = found
            fired += [number] * bool(taken)
    return fired


@pytest.mark.parametrize(
    ("steps", "fields", "signals", "fired"),
    [
        ("a.x ×2", {}, [("a.x", 0), ("a.x", 9)], [1]),
        ("a.x ×2", {}, [("a.x", 0), ("a.x", 11)], []),
        ("a.x ×2", {"distinct": "device"}, [("a.x", 0), ("a.x", 1)], []),
        ("a.x ×2", {"distinct": "device"}, [("a.x", 0), ("a.x", 1, "e")], [1]),
        ("a.x@smoke ×2", {}, [("a.x", 0), ("a.x", 1, "d", "heat")], []),
        ("a.x + b.y", {}, [("b.y", 0), ("a.x", 1)], [1]),
        ("a.x > b.y", {}, [("b.y", 0), ("a.x", 1)], []),
        ("a.x > b.y", {}, [("a.x", 0), ("b.y", 1)], [1]),
        ("a.x > b.y", {}, [("b.y", 1), ("a.x", 0)], [1]),  # came late, happened first
        ("a.x|b.y ×2", {}, [("a.x", 0), ("b.y", 1)], [1]),
        ("a.x ×2", {}, [("a.x", 0), ("a.x", 1), ("a.x", 2), ("a.x", 14), ("a.x", 15)], [1, 4]),
        ("a.x ×3", {"distinct": "day", "within_minutes": 7 * 1440},
         [("a.x", 0), ("a.x", 9), ("a.x", 1440), ("a.x", 2880)], [3]),
        ("a.x ×2", {"hours": "22:00-06:00"}, [("a.x", 0), ("a.x", 1)], []),
        ("a.x ×2", {"hours": "22:00-06:00"}, [("a.x", 700), ("a.x", 701)], [1]),
        ("a.x ×2", {"hours": "11:00-12:30"}, [("a.x", 0), ("a.x", 1)], [1]),
    ],
)  # fmt: skip
def test_what_completes_a_pattern(
    steps: str, fields: dict[str, Any], signals: list[Any], fired: list[int]
) -> None:
    assert fed(pattern(steps, **fields), [seen(*one) for one in signals]) == fired


def test_whatever_the_order_of_coming_it_is_completed_once() -> None:
    rule = pattern("a.x + b.y + a.x@call_point", distinct="device")
    signals = [seen("a.x", 0, "d"), seen("b.y", 1, "e"), seen("a.x", 2, "f", "call_point")]
    for order in permutations(signals):
        assert fed(rule, list(order)) == [2]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a.x", "b.y"]), st.integers(0, 40),
                          st.sampled_from("defg")), max_size=120),
       st.sampled_from(["a.x ×2", "a.x ×7", "a.x + b.y", "a.x > b.y > a.x"]),
       st.sampled_from(["device", "event", "day"]))  # fmt: skip
def test_it_remembers_little_and_counts_a_signal_once(
    signals: list[Any], steps: str, distinct: str
) -> None:
    rule = pattern(steps, distinct=distinct)
    watch: Watch | None = None
    for one in [seen(*s) for s in signals]:
        found = hit(watch, rule, "g", one)
        if found is None:
            assert watch is not None
            assert one.event_id in {h.event_id for h in watch.hits}
            continue
        watch, taken = found
        assert len(watch.hits) <= MOST_HITS
        if taken:
            assert len(taken) == len(rule.steps.terms)
            assert len({t.event_id for t in taken}) == len(taken)
            assert one in taken


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ("a.x", "共 1 步"), ("a.x + b.y > c.z", "不能同时用"), ("a.x ×40", "共 40 步"),
        ("火警 ×2", "应为 事件编码"), ("a.x > b.y ×5", "至多"), ("", "应为 事件编码"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_read_say_why(steps: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        steps_of(steps)
