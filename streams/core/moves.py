"""The closed loop as a table: what may happen to a case, from where to where, by whom, with what.

States and their order are those of the domain's lifecycle table. The first row that fits a move,
the case's state and its condition decides. The README's diagram is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.case import Clock, Move, Role, State
from streams.core.dispute_moves import DISPUTE_MOVES, DISPUTE_STATES
from streams.core.lead_moves import LEAD_MOVES, LEAD_STATES
from streams.core.moverow import ALL, ANY, DESK, SYS, UNIT, Need, Row

# fmt: off
#: Names on screen, in the order of the loop.
CASE_STATES: dict[State, str] = {
    "reported":            "上报",
    "registered":          "受理",
    "direct_answered":     "即时答复",
    "rejected":            "不予受理",
    "merged":              "并案",
    "dispatched":          "派单",
    "return_requested":    "申请退单",
    "signed":              "签收",
    "grid_handling":       "网格自处",
    "whistle":             "吹哨",
    "responded":           "报到",
    "handling":            "办理中",
    "extension_requested": "申请延期",
    "extended":            "延期办理",
    "suspended":           "挂账",
    "transferred":         "转办",
    "escalated":           "提级",
    "done":                "办结反馈",
    "verified":            "核查",
    "rework":              "返工重办",
    "followed_up":         "回访评价",
    "closed":              "结案归档",
    "reopened":            "重开",
}
STATES: dict[State, str] = CASE_STATES | DISPUTE_STATES | LEAD_STATES

MOVE_NAMES: dict[Move, str] = {
    "report": "上报", "register": "受理", "answer": "即时答复", "reject": "不予受理",
    "merge": "并案", "dispatch": "派单", "request_return": "申请退单", "grant_return": "同意退单",
    "refuse_return": "驳回退单", "sign": "签收", "handle_in_grid": "网格自处", "whistle": "吹哨",
    "respond": "报到", "handle": "开始办理", "contact": "首次联系",
    "request_extension": "申请延期", "grant_extension": "同意延期",
    "refuse_extension": "驳回延期", "suspend": "挂账", "resume": "恢复办理", "transfer": "转办",
    "escalate": "提级", "finish": "办结", "verify": "核查", "send_back": "退回重办",
    "follow_up": "回访", "close": "结案", "reopen": "重开", "attach": "并入报告",
    "absorb": "并入案件", "clear": "设备恢复", "acknowledge": "确认告警", "overdue": "到时",
    "note": "备注", "rebase": "改用现行规则", "recount": "按新日历重算", "unmerge": "拆分",
    "distinct": "非同一事项",
    "to_mediation": "转调处", "assign": "分流", "mediate": "开始调解", "disagree": "调解未成",
    "agree": "达成协议", "perform": "履行登记", "breach": "认定未履行", "refer": "引导转办",
    "recheck": "回访复核", "check": "核查线索", "push_again": "退回重查",
    "mark": "告警标记", "maintain": "检修窗口",
}

OF_NO_CASE: frozenset[Move] = frozenset({"maintain"})  # concerns devices

ROLES: dict[Role, str] = {
    "system": "系统", "timer": "计时器", "operator": "值班员", "supervisor": "督办员",
    "unit": "承办单位", "grid_worker": "网格员", "reporter": "诉求人",
}

CLOCKS: dict[Clock, str] = {
    "accept": "受理", "dispatch": "派单", "sign": "签收", "contact": "首次联系", "handle": "办理",
    "verify": "核查", "followup": "回访", "respond": "报到", "review": "审批",
    "acknowledge": "告警确认", "mediate": "调解", "perform": "协议履行", "recheck": "三十日复核",
    "refer": "引导转办", "check": "线索核查",
}

NEEDS: dict[Need, str] = {
    "reason": "理由", "unit": "单位", "review_at": "复核或延期时间", "resolved": "是否解决",
    "merged_into": "主案编号", "distinct_from": "另一案件编号", "alert_id": "告警编号",
    "report": "上报内容",
    "obligations": "履行事项与期限", "obligation": "履行事项编号", "found": "是否发现隐患",
    "mark": "标记",
}
# fmt: on

FINAL: tuple[State, ...] = ("closed", "merged")
OPEN: tuple[State, ...] = tuple(state for state in STATES if state not in FINAL)
WITH_UNIT: tuple[State, ...] = (
    "dispatched", "signed", "grid_handling", "whistle", "responded", "handling",
    "extension_requested", "extended", "suspended", "transferred", "escalated", "rework",
)  # fmt: skip
BEFORE_DONE: tuple[State, ...] = (
    "reported", "registered", "return_requested", *WITH_UNIT, "reopened",
)  # fmt: skip

# fmt: off
MOVES: tuple[Row, ...] = (
    # their own way in comes first
    *DISPUTE_MOVES,
    *LEAD_MOVES,
    # in
    Row("report", (), "grid_handling", (*SYS, *DESK), ("report",), when="in_grid",
        start=("contact", "handle"), tells=("assigned",)),
    Row("report", (), "whistle", (*SYS, *DESK), ("report",), when="whistled",
        start=("respond", "handle"), tells=("assigned",)),
    Row("report", (), "dispatched", (*SYS, *DESK), ("report",), when="routed",
        start=("sign", "contact", "handle"), tells=("assigned",)),
    Row("report", (), "reported", (*SYS, *DESK), ("report",), start=("accept",), tells=("triage",)),
    Row("attach", OPEN, "same", (*SYS, *DESK), ("report",)),
    Row("absorb", OPEN, "same", (*SYS, *DESK), ("report",)),
    # at the desk
    Row("register", ("reported",), "registered", DESK, stop=("accept", "acknowledge"),
        start=("dispatch",)),
    Row("answer", ("registered",), "direct_answered", DESK, ("reason",), stop=ALL),
    Row("reject", ("reported", "registered"), "rejected", DESK, ("reason",), stop=ALL),
    Row("merge", ("reported", "registered", "dispatched", "found", "triaged"), "merged", DESK,
        ("merged_into",), stop=ALL),
    Row("unmerge", ("merged",), "registered", DESK, ("reason",), start=("dispatch",),
        tells=("triage",)),
    Row("unmerge", OPEN, "same", DESK, ("reason", "report", "distinct_from")),
    Row("distinct", OPEN, "same", DESK, ("distinct_from",)),
    Row("dispatch", ("transferred",), "dispatched", DESK, start=("sign", "contact", "handle"),
        tells=("assigned",)),
    Row("dispatch", ("escalated",), "dispatched", DESK, ("unit",),
        start=("sign", "contact", "handle"), tells=("assigned",)),
    Row("dispatch", ("reported", "registered", "return_requested", "reopened"), "dispatched",
        (*SYS, *DESK), ("unit",), stop=ALL, start=("sign", "contact", "handle"),
        tells=("assigned",)),
    # not ours
    Row("request_return", ("dispatched", "signed"), "return_requested", UNIT, ("reason",),
        start=("review",), tells=("triage",)),
    Row("grant_return", ("return_requested",), "registered", DESK, stop=ALL, start=("dispatch",)),
    Row("refuse_return", ("return_requested",), "back", DESK, ("reason",),
        stop=("review",), tells=("assigned",)),
    # at the unit
    Row("sign", ("dispatched", "transferred"), "signed", ANY, stop=("sign", "acknowledge"),
        start=("handle",)),
    Row("handle_in_grid", ("registered", "dispatched"), "grid_handling", ("grid_worker", *DESK),
        stop=("accept", "dispatch", "sign", "acknowledge"), start=("contact", "handle")),
    Row("whistle", ("dispatched", "grid_handling"), "whistle", ANY, ("unit",),
        stop=("sign",), start=("respond", "handle"), tells=("assigned",)),
    Row("respond", ("whistle",), "responded", ("unit", *DESK), stop=("respond",),
        when="all_responded"),
    Row("respond", ("whistle",), "same", ("unit", *DESK)),
    Row("handle", ("signed", "responded", "extended", "rework", "escalated"), "handling",
        ANY, start=("handle",)),
    Row("contact", WITH_UNIT, "same", ANY, stop=("contact",)),
    # more time
    Row("request_extension", ("signed", "handling"), "extension_requested", UNIT,
        ("reason", "review_at"), start=("review",), tells=("triage",)),
    Row("grant_extension", ("extension_requested",), "extended", DESK, stop=("review",)),
    Row("refuse_extension", ("extension_requested",), "handling", DESK, ("reason",),
        stop=("review",), tells=("assigned",)),
    Row("suspend", ("handling", "extended"), "suspended", DESK, ("reason", "review_at"),
        start=("review",), pause=("contact", "handle")),
    Row("resume", ("suspended",), "handling", ANY, stop=("review",), resume=("contact", "handle")),
    # somebody else
    Row("transfer", ("handling",), "transferred", ANY, ("unit", "reason"),
        start=("sign",), tells=("assigned",)),
    Row("escalate", ("grid_handling", "handling"), "escalated", ANY, ("reason",),
        tells=("escalated",)),
    # out
    Row("finish", ("grid_handling", "handling", "extended", "suspended"), "done", ANY,
        ("reason",), stop=ALL, start=("verify",)),
    Row("clear", BEFORE_DONE, "done", SYS, stop=ALL, start=("verify",), when="device_health"),
    Row("clear", OPEN, "same", SYS),
    Row("verify", ("done",), "verified", (*DESK, "grid_worker"),
        stop=("verify",), start=("followup",)),
    Row("send_back", ("done", "verified", "followed_up"), "rework", (*DESK, "grid_worker"),
        ("reason",), stop=ALL, start=("handle",), tells=("assigned",)),
    Row("follow_up", ("verified",), "followed_up", (*SYS, *DESK, "reporter"), ("resolved",),
        stop=("followup",)),
    Row("close", ("followed_up",), "closed", (*SYS, *DESK), ("reason",), stop=ALL,
        when="unresolved"),
    Row("close", ("followed_up", "direct_answered", "rejected"), "closed", (*SYS, *DESK),
        stop=ALL),
    Row("reopen", ("closed",), "reopened", (*DESK, "reporter"), ("reason",),
        start=("dispatch",), tells=("triage",)),
    # beside the loop
    Row("acknowledge", tuple(STATES), "same", ANY, ("alert_id",), stop=("acknowledge",)),
    Row("note", OPEN, "same", (*SYS, *ANY, "reporter"), ("reason",)),
    # what its alarms say of it
    Row("mark", OPEN, "same", SYS, ("reason", "mark"), when="critical_mark", tells=("emergency",)),
    Row("mark", OPEN, "same", SYS, ("reason", "mark"), when="told_mark", tells=("assigned",)),
    Row("mark", OPEN, "same", SYS, ("reason", "mark")),
    # when the rules or the calendar change
    Row("rebase", OPEN, "same", ("supervisor",), ("reason",)),
    Row("recount", OPEN, "same", SYS),
    # lights
    Row("overdue", OPEN, "same", ("timer",)),
)
# fmt: on

BY_MOVE: dict[tuple[Move, State | None], tuple[Row, ...]] = {}
for _row in MOVES:
    for _state in _row.frm or (None,):
        BY_MOVE[_row.on, _state] = (*BY_MOVE.get((_row.on, _state), ()), _row)

#: moves a person or a system may make from a state, in the table's order
POSSIBLE: dict[State, tuple[Move, ...]] = {
    state: tuple(dict.fromkeys(r.on for r in MOVES if state in r.frm and "timer" not in r.who))
    for state in STATES
}


def targets(row: Row) -> tuple[State, ...]:
    """States a row may lead to; () when the case stays where it is."""
    if row.to == "same":
        return ()
    if row.to == "back":
        return tuple(s for r in MOVES if r.to in row.frm for s in r.frm)
    return (row.to,)


def state_diagram(loop: Iterable[State] = CASE_STATES) -> str:
    """A loop as a Mermaid state diagram: every edge that changes the state, with its moves. Edges
    between loops are drawn with the loop they lead to; cases are drawn without the others.
    """
    own = set(loop)
    edges: dict[tuple[str, str], list[str]] = {}
    for row in MOVES:
        for to in targets(row):
            for frm in row.frm or ("[*]",):
                if not _drawn(frm, to, own):
                    continue
                names = edges.setdefault((frm, to), [])
                if MOVE_NAMES[row.on] not in names:
                    names.append(MOVE_NAMES[row.on])
    seen = {one for edge in edges for one in edge} | own
    lines = ["stateDiagram-v2"]
    lines += [f"    {state} : {name}" for state, name in STATES.items() if state in seen]
    lines += [f"    {a} --> {b} : {'、'.join(names)}" for (a, b), names in edges.items()]
    lines += [f"    {state} --> [*]" for state in FINAL if state in seen]
    return "\n".join(lines)


def _drawn(frm: str, to: str, own: set[State]) -> bool:
    cases = own == set(CASE_STATES)
    return {frm, to} <= {*own, "[*]"} if cases else frm in own or to in own
