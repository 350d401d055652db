"""A row of the tables of moves: from where to where, by whom, with what, which clocks."""

from __future__ import annotations

from typing import Literal, NamedTuple

from schemas.case import AlertKind, Clock, Move, Role, State

#: what a command has to bring, named as in ``Command``
Need = Literal[
    "reason", "unit", "review_at", "resolved", "merged_into", "distinct_from", "alert_id", "report",
    "obligations", "obligation", "found", "mark",
]  # fmt: skip

#: Conditions a row may ask for beside move and state; ``permits`` knows how to test each.
When = Literal[
    "", "in_grid", "whistled", "routed", "all_responded", "device_health", "unresolved",
    "dispute", "mediable", "tries_left", "level_above", "all_performed", "rechecked",
    "was_dispute",
    "lead", "hazard", "critical_mark", "told_mark",
]  # fmt: skip

#: "same": the case stays where it is; "back": where it was before the request.
To = State | Literal["same", "back"]


class Row(NamedTuple):
    on: Move
    frm: tuple[State, ...]  # () = opens a case
    to: To
    who: tuple[Role, ...]
    needs: tuple[Need, ...] = ()
    start: tuple[Clock, ...] = ()  # a clock that runs already runs on, unless it is also stopped
    stop: tuple[Clock, ...] = ()
    pause: tuple[Clock, ...] = ()
    resume: tuple[Clock, ...] = ()
    tells: tuple[AlertKind, ...] = ()
    when: When = ""


SYS:  tuple[Role, ...] = ("system",)  # fmt: skip
DESK: tuple[Role, ...] = ("operator", "supervisor")
UNIT: tuple[Role, ...] = ("unit", "grid_worker")
ANY:  tuple[Role, ...] = (*UNIT, *DESK)  # fmt: skip

WORK: tuple[Clock, ...] = ("sign", "contact", "handle", "respond", "review")
MEDIATION: tuple[Clock, ...] = ("mediate", "perform", "recheck", "refer")
ALL: tuple[Clock, ...] = (
    "accept", "dispatch", *WORK, "verify", "followup", "acknowledge", *MEDIATION, "check",
)  # fmt: skip
