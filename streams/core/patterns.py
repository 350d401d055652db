"""Alarms that together mean more than each: N of M, sequences, the same thing every evening.

On an item: ``hit``. A pattern needs no wake-up; ``wakes_at`` says when what it has seen is too old
to matter. Signals go by when they happened, so late and doubled ones lead to the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.alarm import Seen, Watch
from schemas.alarm_rules import MOST_HITS, AlarmPattern, Steps, Term, steps_of
from schemas.ids import SHANGHAI


class Compiled(NamedTuple):
    row: AlarmPattern
    steps: Steps
    hours: tuple[int, int] | None  # minutes of the day, Shanghai
    within: timedelta


def compiled(row: AlarmPattern) -> Compiled:
    start, _, end = row.hours.partition("-")
    hours = (_minute(start), _minute(end)) if row.hours else None
    return Compiled(row, steps_of(row.steps), hours, timedelta(minutes=row.within_minutes))


def listens(pattern: Compiled, seen: Seen) -> bool:
    """Whether a signal can be a step of a pattern."""
    if not any(fits(term, seen) for term in pattern.steps.terms):
        return False
    return pattern.hours is None or _within(pattern.hours, seen.at)


def fits(term: Term, seen: Seen) -> bool:
    return seen.event_code in term.codes and (not term.kinds or seen.kind in term.kinds)


def hit(
    watch: Watch | None, pattern: Compiled, group: str, seen: Seen
) -> tuple[Watch, tuple[Seen, ...]] | None:
    """The watch after a signal, and the signals that complete the pattern (() = not yet). None: it
    is a repeat. A pattern that was completed is not again while ``within_minutes`` last."""
    if watch is None:
        watch = Watch(pattern_id=pattern.row.pattern_id, group=group)
    if any(one.event_id == seen.event_id for one in watch.hits):
        return None
    hits = sorted((*watch.hits, seen), key=lambda one: (one.at, one.event_id))
    newest = hits[-1].at
    hits = [one for one in hits if newest - one.at <= pattern.within][-MOST_HITS:]
    watch = watch.model_copy(update={"hits": tuple(hits)})
    fired = watch.fired_at
    if seen not in hits or (fired is not None and abs(seen.at - fired) < pattern.within):
        return watch, ()
    found = completes(pattern, hits, seen)
    if found:
        watch = watch.model_copy(update={"fired_at": seen.at})
    return watch, tuple(sorted(found, key=_order))


def wakes_at(watch: Watch, pattern: Compiled) -> datetime:
    """When nothing it has seen can matter any more."""
    last = max([one.at for one in watch.hits] + ([watch.fired_at] if watch.fired_at else []))
    return last + 2 * pattern.within


def completes(pattern: Compiled, hits: Sequence[Seen], last: Seen) -> tuple[Seen, ...]:
    """Signals that take the steps, one each, ``last`` among them; () when there are none."""
    terms, ordered = pattern.steps.terms, pattern.steps.ordered
    apart = _APART[pattern.row.distinct]
    fitting = [
        _fitting([one for one in hits if fits(term, one)], None if ordered else apart)
        for term in terms
    ]

    def assign(step: int, at: int, taken: tuple[Seen, ...]) -> tuple[Seen, ...]:
        if step == len(terms):
            return taken
        for one in (last,) if step == at else fitting[step]:
            if step != at and apart(one) == apart(last):
                continue
            if any(apart(one) == apart(other) for other in taken):
                continue
            if ordered and taken and one.at < taken[-1].at:
                continue
            before = taken[step - 1] if step and terms[step] == terms[step - 1] else None
            if not ordered and before not in (None, last) and _order(one) < _order(before):
                continue  # equal steps take their signals in one order only
            if found := assign(step + 1, at, (*taken, one)):
                return found
        return ()

    for at in range(len(terms)):
        new = ordered or at == 0 or terms[at] != terms[at - 1]
        if new and fits(terms[at], last) and (found := assign(0, at, ())):
            return found
    return ()


def _fitting(hits: list[Seen], apart: Callable[[Seen], object] | None) -> list[Seen]:
    """Without an order, the newest of those that count as one stands for all of them."""
    if apart is None:
        return hits
    return sorted({apart(one): one for one in hits}.values(), key=_order)


def _order(one: Seen | None) -> tuple[datetime, str]:
    assert one is not None
    return one.at, one.event_id


def _day(seen: Seen) -> object:
    return seen.at.astimezone(SHANGHAI).date()


_APART: dict[str, Callable[[Seen], object]] = {
    "device": lambda seen: seen.device_id, "event": lambda seen: seen.event_id, "day": _day,
}  # fmt: skip


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _within(hours: tuple[int, int], at: datetime) -> bool:
    local = at.astimezone(SHANGHAI)
    minute = local.hour * 60 + local.minute
    start, end = hours
    return start <= minute <= end if start <= end else minute >= start or minute <= end
