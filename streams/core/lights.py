"""Lights of a case as JSON: the decision of ``cases.apply`` for an ``overdue`` command, in bulk.

When a holiday ends, tens of thousands of clocks fall due in the same second. Reading each case into
a model, deciding and writing it again costs four times what deciding on its JSON does. Both ways
must agree in everything; tests/caseflow/test_lights.py holds them together, move for move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from schemas.ids import change_id, timer_id
from streams.core.deadlines import LATE_AFTER, TIMER
from streams.core.moves import OPEN

Json = dict[str, Any]
_OPEN = frozenset(OPEN)
_ACTOR = {"role": TIMER.role, "id": TIMER.id}
_TOLD = {"yellow": "yellow", "red": "red", "escalate": "escalated", "again": "red"}
_time = datetime.fromisoformat


def due_lights(case: Json, now: datetime, offset: int) -> Iterator[tuple[Json, datetime | None]]:
    """Changes of the lights that are due at ``now``, the earliest first, each with the time of the
    case's next light; ``case`` follows them.

    Each change holds ``case`` itself: write it out before asking for the next one. A light later
    than a minute says how late. Yellow and red that are both due are one red light.
    """
    found = _next(case)
    while found is not None and found[0] <= now:
        when, clock, _, stage, deadline = found
        asked, fired = stage, deadline.get("fired", ())
        if stage == "yellow" and now >= (due := _time(deadline["due"])):
            stage, when = "red", due
        late = now - when
        shown_by = deadline["version"]
        version = case["version"] = case["version"] + 1
        if stage == "again":
            every = timedelta(minutes=deadline["repeat_minutes"])
            deadline["repeats"] = (now - _time(deadline["due"])) // every
            deadline["version"] = version
        else:
            deadline["fired"] = ["yellow", "red"] if stage == "red" else [*fired, stage]
        case["updated_at"] = written = in_json(max(now, _time(case["updated_at"])))
        if light := _worst(case["deadlines"]):
            case["light"] = light
        else:
            case.pop("light", None)
        if stage == "escalate":
            case["level_up"] = case.get("level_up", 0) + 1
        case_no = case["case_no"]
        change = {
            "change_id": change_id(case_no, version),
            "command_id": timer_id(case_no, clock, shown_by, asked),
            "move": "overdue",
            "from_state": case["state"],
            "at": written,
            "actor": _ACTOR,
            "clock": clock,
            "stage": stage,
            "tells": [_TOLD[stage]],
            "command_offset": offset,
        }
        if late > LATE_AFTER:
            change["late_seconds"] = int(late.total_seconds())
        change["case"] = case
        found = _next(case)
        yield change, found[0] if found else None


def _next(case: Json) -> tuple[datetime, str, int, str, Json] | None:
    if case["state"] not in _OPEN:
        return None
    best: tuple[datetime, str, int, str, Json] | None = None
    for one in case.get("deadlines", ()):
        if one.get("paused_at") is not None:
            continue
        fired = one.get("fired", ())
        if "red" not in fired:
            stage, when = ("red", one["due"]) if "yellow" in fired else ("yellow", one["yellow_at"])
        else:
            later = _after_red(one, fired)
            if later is None:
                continue
            stage, when = later
        found = (
            _time(when) if isinstance(when, str) else when,
            one["clock"],
            one["version"],
            stage,
            one,
        )
        if best is None or found[:4] < best[:4]:
            best = found
    return best


def _after_red(one: Json, fired: Sequence[str]) -> tuple[str, str | datetime] | None:
    up = None if "escalate" in fired else one.get("escalate_at")
    every = one.get("repeat_minutes")
    if every is None:
        return ("escalate", up) if up else None
    again = _time(one["due"]) + timedelta(minutes=every) * (one.get("repeats", 0) + 1)
    return ("escalate", up) if up and _time(up) <= again else ("again", again)


def _worst(deadlines: list[Json]) -> str:
    light = ""
    for one in deadlines:
        if one.get("paused_at") is None and (fired := one.get("fired")):
            if "red" in fired:
                return "red"
            if "yellow" in fired:
                light = "yellow"
    return light


@lru_cache(maxsize=256)
def in_json(at: datetime) -> str:
    """A time as the models write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
