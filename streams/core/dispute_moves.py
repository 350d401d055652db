"""The loop of disputes 排分调处评, in rows of the same kind as ``moves``: found, assigned by level
and field, mediated at each level as often as disputes.tsv says, agreed and performed, or referred.

A dispute is a case whose class has a row in disputes.tsv. An emergency of such a class is handled
as an emergency first; people may bring it to mediation (``to_mediation``) afterwards.
"""

from __future__ import annotations

from schemas.case import State
from streams.core.moverow import ALL, ANY, DESK, SYS, UNIT, Row

# fmt: off
DISPUTE_STATES: dict[State, str] = {
    "found":     "排查发现",
    "triaged":   "分流指派",
    "mediating": "调解中",
    "agreement": "协议履行",
    "failed":    "调解未成",
    "performed": "履行完毕",
    "breached":  "逾期未履行",
    "referred":  "转法定途径",
}

#: states of a case from which it may be brought to mediation
BEFORE: tuple[State, ...] = (
    "reported", "registered", "dispatched", "signed", "grid_handling", "handling",
)

DISPUTE_MOVES: tuple[Row, ...] = (
    # 排: found
    Row("report", (), "found", (*SYS, *DESK), ("report",), start=("dispatch",), tells=("triage",),
        when="dispute"),
    Row("to_mediation", BEFORE, "triaged", ANY, ("reason",), stop=ALL, start=("sign",),
        tells=("assigned",), when="mediable"),
    Row("reopen", ("closed",), "found", (*DESK, "reporter"), ("reason",),
        start=("dispatch",), tells=("triage",), when="was_dispute"),
    # 分: to the lowest level that mediates its field
    Row("assign", ("found",), "triaged", (*SYS, *DESK, "grid_worker"),
        stop=("dispatch", "acknowledge"), start=("sign",), tells=("assigned",)),
    Row("reject", ("found",), "rejected", DESK, ("reason",), stop=ALL),
    Row("dispatch", ("found", "triaged"), "dispatched", DESK, ("unit",), stop=ALL,
        start=("sign", "contact", "handle"), tells=("assigned",)),
    # 调: tries of a level, then the level above
    Row("mediate", ("triaged", "breached"), "mediating", (*UNIT, *DESK),
        stop=("sign", "acknowledge", "refer"), start=("mediate",)),
    Row("disagree", ("mediating",), "mediating", ANY, ("reason",), stop=("mediate",),
        start=("mediate",), when="tries_left"),
    Row("disagree", ("mediating",), "triaged", ANY, ("reason",), stop=("mediate",),
        start=("sign",), tells=("assigned",), when="level_above"),
    Row("disagree", ("mediating",), "failed", ANY, ("reason",), stop=("mediate",),
        start=("refer",), tells=("triage",)),
    # 处: what was agreed, each obligation under a clock of its own
    Row("agree", ("mediating",), "agreement", ANY, ("obligations",), stop=("mediate",),
        start=("perform",)),
    Row("perform", ("agreement",), "performed", ANY, ("obligation",), stop=("perform",),
        start=("recheck",), when="all_performed"),
    Row("perform", ("agreement",), "same", ANY, ("obligation",)),
    Row("breach", ("agreement", "performed"), "breached", ANY, ("reason",),
        stop=("perform", "recheck"), start=("refer",), tells=("triage",)),
    Row("refer", ("failed", "breached"), "referred", ("unit", *DESK), ("reason",), stop=("refer",)),
    # 评: looked at again after thirty days
    Row("recheck", ("performed",), "same", (*SYS, *DESK, "grid_worker", "reporter"), ("resolved",),
        stop=("recheck",)),
    Row("close", ("performed",), "closed", (*SYS, *DESK), stop=ALL, when="rechecked"),
    Row("close", ("referred",), "closed", (*SYS, *DESK), stop=ALL),
)
# fmt: on
