"""How long simulated people take, and whose case is left until its light shows. Pure draws."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from schemas.case import Case, Clock, Deadline, Move, Role

PACE = 30.0  # times faster than people
URGENT = 0.35  # an emergency is done in so much of the ordinary time
WAITS_FOR = timedelta(hours=2)  # nobody waits longer than this for a light to show
SLOW = 4.0  # times the ordinary time of a slow unit whose light is further away


class Work(NamedTuple):
    """How long a move takes people, minutes from–to; who makes it; the clock it stops."""

    low: float
    high: float
    who: Role
    clock: Clock | None = None


# fmt: off
WORK: dict[Move, Work] = {
    "acknowledge":       Work( 2,   8, "unit"),
    "register":          Work( 5,  20, "operator", "accept"),
    "answer":            Work(10,  30, "operator", "dispatch"),
    "dispatch":          Work( 5,  15, "operator", "dispatch"),
    "request_return":    Work(10,  30, "unit"),
    "grant_return":      Work( 5,  30, "operator", "review"),
    "refuse_return":     Work( 5,  30, "operator", "review"),
    "whistle":           Work(10,  30, "unit",     "sign"),
    "respond":           Work( 8,  25, "unit",     "respond"),
    "sign":              Work(10,  50, "unit",     "sign"),
    "contact":           Work(10,  40, "unit",     "contact"),
    "request_extension": Work(20,  60, "unit"),
    "grant_extension":   Work(10,  40, "operator", "review"),
    "refuse_extension":  Work(10,  40, "operator", "review"),
    "handle":            Work(10,  40, "unit"),
    "resume":            Work( 5,  20, "operator", "review"),
    "finish":            Work(30, 180, "unit",     "handle"),
    "verify":            Work(15,  60, "operator", "verify"),
    "send_back":         Work(10,  40, "operator"),
    "follow_up":         Work(10,  40, "operator", "followup"),
    "close":             Work( 5,  15, "operator"),
    "assign":            Work( 5,  20, "operator", "dispatch"),
    "mediate":           Work(15,  60, "unit",     "sign"),
    "disagree":          Work(60, 180, "unit",     "mediate"),
    "agree":             Work(60, 180, "unit",     "mediate"),
    "perform":           Work(90, 400, "unit",     "perform"),
    "breach":            Work(90, 400, "unit",     "perform"),
    "refer":             Work(20,  60, "operator", "refer"),
    "recheck":           Work(60, 200, "operator", "recheck"),
    "check":             Work(20,  90, "unit",     "check"),
}

#: Of the cases a clock runs for: share left until yellow shows, share left until red shows.
LEFT: dict[Clock, tuple[float, float]] = {
    "accept": (.08, .05), "sign":   (.12, .10), "contact": (.03, .02), "respond": (.08, .05),
    "handle": (.03, .02), "verify": (.02, .01), "review":  (.03, .02),
}
# fmt: on


def moment(
    case: Case, move: Move, since: datetime, now: datetime, rng: Random, pace: float
) -> datetime:
    """When a move is made: after the time it takes since the last one, at ``now`` or later; by
    those who leave a case, once its light shows. A light that is hours away only slows them."""
    work = WORK[move]
    minutes = rng.uniform(work.low, work.high) / pace
    if case.emergency:
        minutes *= URGENT
    clock = _waiting(case, move)
    left_until = _left_until(case, clock)
    if left_until is None and _patience(case, clock)[0]:
        minutes *= SLOW
    return max(now, since + timedelta(minutes=minutes), left_until or now)


def running(case: Case, clock: Clock | None) -> Deadline | None:
    return next((d for d in case.deadlines if d.clock == clock and not d.paused_at), None)


def _waiting(case: Case, move: Move) -> Clock | None:
    """The clock whose light shows when nobody makes the move. Who is late with signing is late
    with acknowledging too."""
    if move == "acknowledge" or case.state == "dispatched":
        return "accept" if case.state == "reported" else "sign"
    return WORK[move].clock


def _patience(case: Case, clock: Clock | None) -> tuple[str, float]:
    """("", …) in time | ("yellow", …) | ("red", …) for a clock of a case, with a draw 0–1."""
    if clock not in LEFT:
        return "", 0.0
    rng = Random(f"{case.case_no}|{clock}")
    yellow, red = LEFT[clock]
    draw, more = rng.random(), rng.random()
    return ("red" if draw < red else "yellow" if draw < red + yellow else ""), more


def _left_until(case: Case, clock: Clock | None) -> datetime | None:
    """When somebody who waits for a light gets to it; None for all others."""
    deadline = running(case, clock)
    light, draw = _patience(case, clock)
    if deadline is None or not light:
        return None
    shows = deadline.due if light == "red" else deadline.yellow_at
    if shows - deadline.started_at > WAITS_FOR:
        return None
    if light == "red":
        return deadline.due + timedelta(seconds=30 + 210 * draw)
    return deadline.yellow_at + (0.2 + 0.6 * draw) * (deadline.due - deadline.yellow_at)
