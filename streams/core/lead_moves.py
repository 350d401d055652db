"""Leads pushed down and checked: an upper level names a place, whoever is there looks and reports.

A lead is a case of its own with a clock for the check. What turns out to be a hazard goes on in the
ordinary loop at once; what does not is closed by whoever pushed it.
"""

from __future__ import annotations

from schemas.case import State
from streams.core.moverow import ALL, ANY, DESK, SYS, Row

# fmt: off
LEAD_STATES: dict[State, str] = {
    "pushed":  "线索下发",
    "checked": "核查反馈",
}

LEAD_MOVES: tuple[Row, ...] = (
    Row("report", (), "pushed", (*SYS, *DESK), ("report",), start=("check",), tells=("assigned",),
        when="lead"),
    Row("check", ("pushed",), "signed", ANY, ("found", "reason"), stop=("check",),
        start=("handle",), when="hazard"),
    Row("check", ("pushed",), "checked", ANY, ("found", "reason"), stop=("check", "acknowledge")),
    Row("transfer", ("pushed",), "pushed", DESK, ("unit", "reason"), tells=("assigned",)),
    Row("push_again", ("checked",), "pushed", DESK, ("reason",), start=("check",),
        tells=("assigned",)),
    Row("close", ("checked",), "closed", (*SYS, *DESK), stop=ALL),
)
# fmt: on
