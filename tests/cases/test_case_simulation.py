"""Days to a year of a partition with crashes, late and doubled deliveries: the lights never lie.

A seed that fails is in the test's name; ``Partition(seed).run()`` plays it again, exactly.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from schemas.case import Case
from schemas.ids import SHANGHAI
from streams.core.deadlines import light, wakeups
from streams.core.moves import FINAL
from tests.cases.simulated_partition import SLACK, Partition, planned_time

SEEDS = range(20_260_000, 20_260_200)


@pytest.mark.parametrize("seed", SEEDS)
def test_days_of_a_partition(seed: int) -> None:
    world = Partition(seed).run()
    cases: dict[str, Case] = {}
    shown: Counter[tuple[str, str, str, int, str]] = Counter()
    written: dict[str, datetime] = {}
    for change, now in zip(world.history(), world.written, strict=True):
        after = change.case
        before = cases.get(after.case_no)
        assert after.version == (before.version if before else 0) + 1
        assert after.light == light(after.deadlines)
        if before and before.state in FINAL:
            assert change.move in ("reopen", "acknowledge")
        if change.move == "overdue":
            assert before is not None
            when = planned_time(before, change)
            assert change.at >= when, "never early"
            late = change.at - when
            assert change.late_seconds == (
                int(late.total_seconds()) if late > timedelta(seconds=60) else 0
            )
            # a command that came late may have set a time that had passed already
            ready = max(when, written[after.case_no])
            assert change.at - ready <= SLACK or world.was_down(when, change.at), "late for nothing"
            of = (change.clock, change.item)
            version = next(d.version for d in before.deadlines if (d.clock, d.item) == of)
            shown[after.case_no, str(change.clock), change.item, version, str(change.stage)] += 1
        cases[after.case_no] = after
        written[after.case_no] = now
    assert cases
    assert max(shown.values(), default=1) == 1, "each light once"
    for case in cases.values():
        missed = [w for w in wakeups(case) if w.at <= world.now]
        assert missed == [], "no light forgotten"
    held = Counter(event for case in cases.values() for event in case.event_ids)
    assert max(held.values()) == 1, "an event belongs to one case"
    assert set(held) == {c.report.event_id for c in world.log if c.report}, "no event is lost"


def test_the_same_seed_gives_the_same_days() -> None:
    first, second = Partition(7).run(), Partition(7).run()
    assert first.changes == second.changes
    assert first.log == second.log


def test_the_seeds_see_trouble() -> None:
    """The simulation is worth something only when it crashes, repeats and shows lights late."""
    worlds = [Partition(seed).run() for seed in list(SEEDS)[:12]]
    changes = [c for w in worlds for c in w.history()]
    assert sum(len(w.outages) for w in worlds) > 20
    assert sum(c.late_seconds > 600 for c in changes) > 5
    assert {"yellow", "red", "escalate"} <= {c.stage for c in changes}
    assert {
        "attach", "finish", "suspend", "resume", "close", "reopen", "overdue",
        "assign", "mediate", "disagree", "agree", "perform", "check",
    } <= {c.move for c in changes}  # fmt: skip
    assert {c.item for c in changes if c.clock == "perform" and c.stage} >= {"1", "2"}
    assert sum(len(w.log) for w in worlds) > len(changes) * 1.2
    clocks = [d for c in changes for d in c.case.deadlines]
    assert any(d.provisional for d in clocks), "a year without a published calendar"
    local = [c.at.astimezone(SHANGHAI) for c in changes]
    assert {(at.year, at.month) for at in local} >= {(2026, 2), (2026, 3), (2026, 12), (2027, 1)}
    assert any(at.hour in (23, 0) for at in local)
    assert max(w.days for w in worlds) == 365
