"""Many devices of one building at once are one matter: a power cut, a burst pipe, works.

On an item: ``joined``; on a wake-up: ``ended``; the next wake-up is ``Storm.until``. Only alarms
that may wait take part: an emergency never disappears in a storm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from schemas.alarm import Seen, Storm
from schemas.alarm_rules import AlarmRule

MOST_DEVICES = 500  # remembered of one storm; all are counted


def joined(
    storm: Storm | None, rule: AlarmRule, group: str, seen: Seen, now: datetime
) -> Storm | None:
    """The storm after a signal. None: a repeat. ``raging`` turns true with the device that makes
    it one."""
    assert rule.storm_count is not None
    assert rule.storm_minutes is not None
    within = timedelta(minutes=rule.storm_minutes)
    if storm is None:
        storm = Storm(group=group, rule=rule.rule_id, until=now + within)
    if any(one.event_id == seen.event_id for one in storm.hits):
        return None
    known = {one.device_id: one for one in storm.hits}
    old = known.pop(seen.device_id, None)
    newest = seen if old is None or old.at <= seen.at else old
    last = max([one.at for one in storm.hits] + [seen.at])
    hits = [one for one in (*known.values(), newest) if storm.raging or last - one.at <= within]
    update = {
        "hits": tuple(hits[-MOST_DEVICES:]),
        "until": max(storm.until, now + within),
        "devices": storm.devices + (old is None) if storm.raging else len(hits),
        "signals": storm.signals + 1 if storm.raging else len(hits),
        "rule": rule.rule_id,
    }
    if not storm.raging and len(hits) >= rule.storm_count:
        update |= {"raging": True, "since": min(one.at for one in hits)}
    return storm.model_copy(update=update)


def ended(storm: Storm, now: datetime) -> bool:
    return now >= storm.until


def words(storm: Storm, name: Callable[[str], str]) -> str:
    """What the case says of it. ``name``: of a device."""
    shown = [name(one.device_id) for one in storm.hits[:8]]
    more = "等" if storm.devices > len(shown) else ""
    return f"{storm.devices} 台设备同时告警，并为一件：{'、'.join(shown)}{more}"
