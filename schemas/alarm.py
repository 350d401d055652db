"""What the writer of cases knows of devices' alarms, and what it did with every signal.

The topic ``alarm-states`` is the durable state: one record a key, written in one transaction with
the changes of the cases it moved. ``verdicts`` says what became of each signal and why, so that
nothing is suppressed without a trace. Places and devices only; a reporter is never in it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from schemas.case import Command, Model
from schemas.window import Window

Outcome = Literal[
    "opened",  # goes on to a case of its own, or to one of the same matter
    "joined",  # raised again: its open case hears of it
    "folded",  # raised again: counted, the case has heard of it lately
    "held",  # waits for its all-clear
    "released",  # no all-clear came in time: goes on
    "blip",  # over before its wait was: no case
    "flapping",  # raised and cleared again and again: one case, the device is ill
    "bundled",  # one of many in the same building: in their common case
    "maintenance",  # inside a repair window: recorded only
    "doubt",  # inside a repair window: a person looks at it
    "confirmed",  # a pattern says it is real
    "repeated",  # a pattern opens a case of its own
    "cleared",  # all-clear
    "steady",  # quiet long enough: flapping is over
    "acknowledged",  # somebody has taken the case
    "stale",  # came too late to matter
    "ended",  # a storm or a window is over
    "window",  # a repair window begins
]


class Seen(Model):
    """A signal as it is remembered."""

    event_id: str
    at: AwareDatetime  # when it happened
    device_id: str = ""
    event_code: str = ""
    kind: str = ""


class Verdict(Model):
    """What became of a signal, and by which row."""

    event_id: str
    at: AwareDatetime
    device_id: str = ""
    event_code: str = ""
    building: str = ""
    grid: str = ""
    outcome: Outcome
    rule: str = ""
    reason: str = ""  # zh, for people
    case_no: str = ""
    simulated: bool = False


class Alarm(Model):
    """One alarm of one device: raised, cleared, acknowledged."""

    device_id: str
    event_code: str
    state: Literal["held", "raised", "cleared"] = "raised"
    first_at: AwareDatetime  # of the present run
    last_at: AwareDatetime  # last raise
    cleared_at: AwareDatetime | None = None
    heard_at: AwareDatetime  # last signal, by the writer's clock
    told_at: AwareDatetime | None = None  # when its case last heard of it
    acknowledged_at: AwareDatetime | None = None
    raises: int = 0
    run: int = 0  # raises of the present run
    clears: int = 0
    recent: tuple[Seen, ...] = ()  # last raises and clears, in order of coming
    flapping: bool = False
    bundled: bool = False
    until: AwareDatetime | None = None  # held until, or flapping until
    waiting: Command | None = None  # what goes to the case when the wait is over
    case_no: str = ""
    rule: str = ""


class Watch(Model):
    """What a pattern has seen of one device, zone, building or grid."""

    pattern_id: str
    group: str
    hits: tuple[Seen, ...] = ()
    fired_at: AwareDatetime | None = None
    case_no: str = ""


class Storm(Model):
    """Alarms of one building: how many devices lately, and the case that takes them all in."""

    group: str
    rule: str = ""
    hits: tuple[Seen, ...] = ()  # newest of each device
    raging: bool = False
    since: AwareDatetime | None = None
    until: AwareDatetime
    devices: int = 0  # that took part since it rages
    signals: int = 0
    case_no: str = ""


class AlarmRecord(Model):
    """A key of ``alarm-states`` after a run of commands. Exactly one of the four states is set."""

    key: str
    village: str
    command_offset: int = -1  # what is at or below it is done
    verdicts: tuple[Verdict, ...] = Field(default=())
    alarm: Alarm | None = None
    watch: Watch | None = None
    storm: Storm | None = None
    window: Window | None = None
