"""Case, command, change: what the centre sees through, what should happen to it, what did happen.

The topic ``case-changes`` is the durable state: one record a move, holding the whole case after it.
Whoever replays that topic has every case; there is no second copy that could disagree.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.window import Window
from schemas.words import AreaLevel, Calendar, Light

State = Literal[
    "reported", "registered", "direct_answered", "rejected", "merged", "dispatched",
    "return_requested", "signed", "grid_handling", "whistle", "responded", "handling",
    "extension_requested", "extended", "suspended", "transferred", "escalated", "done",
    "verified", "rework", "followed_up", "closed", "reopened",
    "found", "triaged", "mediating", "agreement", "failed", "performed", "breached", "referred",
    "pushed", "checked",
]  # fmt: skip

Move = Literal[
    "report", "register", "answer", "reject", "merge", "dispatch", "request_return", "grant_return",
    "refuse_return", "sign", "handle_in_grid", "whistle", "respond", "handle", "contact",
    "request_extension", "grant_extension", "refuse_extension", "suspend", "resume", "transfer",
    "escalate", "finish", "verify", "send_back", "follow_up", "close", "reopen",
    "attach", "absorb", "clear", "acknowledge", "overdue", "note", "rebase", "recount", "unmerge",
    "distinct", "to_mediation", "assign", "mediate", "disagree", "agree", "perform", "breach",
    "refer", "recheck", "check", "push_again", "mark",
    "maintain",
]  # fmt: skip

Clock = Literal[
    "accept", "dispatch", "sign", "contact", "handle", "verify", "followup", "respond", "review",
    "acknowledge", "mediate", "perform", "recheck", "refer", "check",
]  # fmt: skip
#: what a clock shows; "remind" and "again" are its yellow and red once more, as often as its row
#: says; "escalate" is a step of its ladder
Stage = Literal["yellow", "remind", "red", "escalate", "again"]
AlertKind = Literal["emergency", "assigned", "yellow", "red", "escalated", "triage"]
#: what the alarms behind a case say of it; see ``schemas.alarm``
Mark = Literal["confirmed", "flapping", "bundled", "doubt"]
Role = Literal["system", "timer", "operator", "supervisor", "unit", "grid_worker", "reporter"]
Digits12 = Annotated[str, Field(pattern=r"^\d{12}$")]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Actor(Model):
    """Who moved it: a role in a unit, never a person's name. ``id`` is a work account."""

    role: Role
    id: str = ""
    unit: str = ""
    area: str = ""  # area code prefix the actor may act in; "" = the whole city


class Report(Model):
    """What an event brings to its case. Carried by ``report``, ``attach`` and ``absorb``."""

    event_id: str
    channel: str
    occurred_at: AwareDatetime
    ingested_at: AwareDatetime
    title: str = ""
    text: str = ""
    device_id: str = ""
    event_code: str = ""
    class_code: str = ""
    confidence: float = 0.0
    top3: tuple[str, ...] = ()
    grade: int = Field(default=3, ge=1, le=4)
    emergency: bool = False
    grid: str = ""
    building: str = ""
    lon: float = 0.0
    lat: float = 0.0
    unit: str = ""
    unit_level: str = ""
    route: str = ""
    meant: str = ""  # unit it would go to, were a person not to look at it first
    reporter: str = ""
    lead: str = ""  # batch of leads it was pushed down with
    test: bool = False
    simulated: bool = False


class Evidence(Model):
    """A report that joined a case: by which channel or device, when, saying what, where."""

    event_id: str
    channel: str
    at: AwareDatetime  # when it happened by its source
    device_id: str = ""
    event_code: str = ""
    class_code: str = ""
    grid: str = ""
    building: str = ""
    lon: float = 0.0
    lat: float = 0.0
    reporter: str = ""  # token
    urge: bool = False  # only asks what became of the matter


class Similar(Model):
    """Another case that may be the same matter. A person decides."""

    case_no: str
    likeness: float = Field(ge=0, le=1)
    why: str = ""


class Obligation(Model):
    """What an agreement asks for until when. ``what`` names no person."""

    item: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,8}$")] = ""  # "" = numbered 1, 2, …
    what: Annotated[str, Field(min_length=1, max_length=200)]
    due: AwareDatetime
    done_at: AwareDatetime | None = None


class Command(Model):
    """What should happen to a case. ``command_id`` makes it harmless to send twice."""

    command_id: str
    case_no: str
    move: Move
    at: AwareDatetime
    actor: Actor
    reason: str = ""
    report: Report | None = None
    unit: str = ""  # dispatch, transfer, whistle: where to
    units: tuple[str, ...] = ()  # whistle: all that shall report in, when more than one
    quorum: int = Field(default=0, ge=0)  # whistle: how many must report in; 0 = all
    class_code: str = ""  # register, dispatch: a person's correction
    alert_id: str = ""  # acknowledge: which alert
    clock: Clock | None = None  # overdue
    clock_version: int = 0  # overdue
    item: str = ""  # overdue: which of several clocks of that name
    stage: Stage | None = None  # overdue
    review_at: AwareDatetime | None = None  # suspend: look again; extension: the new due time
    merged_into: str = ""  # merge: the case that takes this one in
    brings: int = Field(default=1, ge=1)  # absorb: events of the case that is taken in
    distinct_from: str = ""  # distinct: the case this one is not the same as
    similar: tuple[Similar, ...] = ()  # report: cases it may belong to; set by the writer
    repeats: tuple[str, ...] = ()  # report: closed cases of the same place; set by the writer
    urge: bool = False  # attach: the report only asks what became of the matter
    resolved: bool | None = None  # follow_up
    satisfaction: int | None = Field(default=None, ge=1, le=5)  # follow_up
    obligations: tuple[Obligation, ...] = ()  # agree
    obligation: str = ""  # perform: which of them
    found: bool | None = None  # check: is there a hazard; verify: was the alarm true
    expected_version: int | None = None  # If-Match
    mark: Mark | None = None  # mark
    grade: int | None = Field(default=None, ge=1, le=4)  # mark: lift the case to it
    window: Window | None = None  # maintain: concerns devices, no case


class Rung(Model):
    """A step of an escalation ladder, as the rules of a clock's start had it: who is told when."""

    step: str  # its row in escalation.tsv
    minutes: int = Field(gt=0)  # natural, after red
    level: str = ""  # the duty desk of this level over the case
    unit: str = ""  # this unit, whatever the level


class Deadline(Model):
    """A clock of a case. Red shows at ``due``; yellow before it; ``fired`` keeps each to once.
    A case may have several clocks of one name, told apart by ``item``.
    """

    clock: Clock
    item: str = ""
    version: int
    started_at: AwareDatetime
    minutes: int = Field(gt=0)
    calendar: Calendar
    due: AwareDatetime
    original_due: AwareDatetime
    yellow_at: AwareDatetime
    yellow_minutes: int | None = None  # of its calendar: yellow so long before due, not at a share
    remind_minutes: int | None = None  # natural, from yellow to yellow until red
    reminders: int = 0  # how often yellow was shown again, or would have been
    escalate_at: AwareDatetime | None = None  # the next step of the ladder
    ladder: tuple[Rung, ...] = ()  # () with a time: one step, to the desk above
    climbed: int = 0  # steps of the ladder that were told
    repeat_minutes: int | None = None  # natural, from red to red until the clock is stopped
    repeats: int = 0  # how often red was shown again, or would have been while nobody could
    rule: str = ""  # the row that decided
    fired: tuple[Stage, ...] = ()
    paused_at: AwareDatetime | None = None
    by_hand: bool = False  # a person has set the due time: no rule or calendar moves it
    paused_seconds: int = 0  # of the clock's own calendar, in pauses that are over
    provisional: bool = False  # rests on days whose official calendar is not published yet


class Ended(Model):
    """A clock that a move has stopped, and how it stood: what figures are made of."""

    clock: Clock
    item: str = ""
    started_at: AwareDatetime
    due: AwareDatetime
    calendar: Calendar
    used_seconds: int  # of the clock's own calendar, without pauses
    in_time: bool


class Case(Model):
    case_no: str
    village: Digits12
    version: int  # 1 with the first change, +1 with each
    state: State
    class_code: str = ""
    grade: int = Field(default=3, ge=1, le=4)
    emergency: bool = False
    title: str = ""
    text: str = ""
    channel: str = ""
    grid: str = ""
    building: str = ""
    lon: float = 0.0
    lat: float = 0.0
    device_id: str = ""
    event_code: str = ""
    unit: str = ""
    unit_level: str = ""
    route: str = ""
    meant: str = ""  # unit that device or routes meant it for, while a person looks at it
    light: Light = ""
    level_up: int = 0  # steps of the escalation ladder climbed
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    events: int = 1
    event_ids: tuple[str, ...] = ()  # first and last ones, 50 at most; all are in the table events
    deadlines: tuple[Deadline, ...] = ()  # running and paused clocks
    acknowledged: tuple[str, ...] = ()  # alert ids, last 50
    commands: tuple[str, ...] = ()  # last 50 command ids: a repeated command changes nothing
    back_to: State | None = None  # where a refused return request leads
    review_at: AwareDatetime | None = None  # of a suspension; the new due time asked for
    returned: tuple[str, ...] = ()  # units whose return was granted: no rule sends it there again
    whistled: tuple[str, ...] = ()  # units that were whistled for
    responded: tuple[str, ...] = ()  # those of them that have reported in
    quorum: int = 0  # how many of them must; 0 = all
    reporter: str = ""  # token of who reported first; never a contact
    merged_into: str = ""
    place: str = ""  # name of the estate, landmark or house number it is about, as far as named
    top3: tuple[str, ...] = ()  # what the first report may be about beside its class
    occurred_at: AwareDatetime | None = None  # of the first report; None = when the case was opened
    evidence: tuple[
        Evidence, ...
    ] = ()  # of the reports that joined; first and last ones, 12 at most
    urges: int = 0  # how often somebody asked what became of it
    similar: tuple[Similar, ...] = ()  # cases that may be the same matter, undecided
    distinct: tuple[str, ...] = ()  # cases and reports that a person took out of it
    repeats: tuple[str, ...] = ()  # earlier closed cases of the same kind at the same place
    resolved: bool | None = None
    satisfaction: int | None = None
    rework: int = 0
    field: str = ""  # of a dispute, see disputes.tsv; "" = no dispute
    mediation: AreaLevel | Literal[""] = ""  # level that mediates
    tries: int = 0  # mediations begun at that level
    obligations: tuple[Obligation, ...] = ()  # of the agreement
    batch: str = ""  # of a lead
    marks: tuple[Mark, ...] = ()  # what its alarms say of it
    rules: str = ""  # version of the rules its clocks are by: first eight signs of the digest
    test: bool = False
    simulated: bool = False


class Change(Model):
    """What did happen: the case after the move, and why. Keyed by case number in Kafka."""

    change_id: str
    command_id: str
    move: Move
    from_state: State | None
    at: AwareDatetime
    actor: Actor
    reason: str = ""
    event_id: str = ""
    clock: Clock | None = None
    item: str = ""  # which of several clocks of that name
    stage: Stage | None = None
    late_seconds: int = 0  # how late a light was shown, when we were down at its time
    tells: tuple[AlertKind, ...] = ()  # what alerts go out because of it
    command_offset: int = -1  # of the command in case-commands: what is at or below it is done
    alert_id: str = ""
    mark: Mark | None = None
    satisfaction: int | None = None
    resolved: bool | None = None
    found: bool | None = None
    from_unit: str = ""  # whose the case was, when the move gave it to another
    started: tuple[Clock, ...] = ()
    ended: tuple[Ended, ...] = ()
    case: Case


class Refusal(Model):
    """Why a command changed nothing. ``code`` is fixed; ``detail`` is for people (zh)."""

    code: Literal[
        "unknown_case", "impossible_move", "reason_missing", "field_missing", "not_allowed",
        "stale_version", "future_action", "closed", "stale_timer",
    ]  # fmt: skip
    detail: str
    possible: tuple[str, ...] = ()


class Outcome(Model):
    """The writer's answer to a command of a person (topic ``case-outcomes``)."""

    command_id: str
    case_no: str
    change: Change | None = None
    refusal: Refusal | None = None
    case: Case | None = None  # the case as it stands now, whatever became of the command
