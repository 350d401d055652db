"""The figures of the domain: what each is called, which file asks for it, what it can be split by.

Formulas and denominators are in the files, of three figures in ``reckoned``.
"""

# ruff: noqa: E501 - a row of the table is a line
from __future__ import annotations

from typing import Literal, NamedTuple

By = Literal[
    "", "unit", "area", "class", "major", "channel", "grid", "field", "batch", "kind", "building"
]
#: "index": n a thousand of ``of``
Unit = Literal["count", "rate", "hours", "minutes", "seconds", "index"]


class Kpi(NamedTuple):
    name: str
    en: str
    file: str  # in sql/reports
    unit: Unit
    by: tuple[By, ...]  # what it may be split by, beside no split at all
    better: Literal["more", "less", ""] = ""  # what a good change is; "" = neither
    stage: str = ""  # parameters only some files have
    quantile: float = 0.0


# fmt: off
U:   tuple[By, ...] = ("unit", "area")
UC:  tuple[By, ...] = ("unit", "area", "class")
ALL: tuple[By, ...] = ("unit", "area", "class", "major", "channel", "grid")

KPIS: dict[str, Kpi] = {
    "intake_total":          Kpi("受理量",       "registered events",        "intake_total",      "count",   ALL),
    "backlog":               Kpi("在办量",       "open cases",               "backlog",           "count",   ALL, "less"),
    "accept_on_time_rate":   Kpi("按时受理率",   "accepted on time",         "accept_on_time",    "rate",    ("channel", "area"), "more"),
    "sign_on_time_rate":     Kpi("按时签收率",   "signed on time",           "sign_on_time",      "rate",    U, "more"),
    "first_contact_rate":    Kpi("首次联系及时率", "contacted on time",      "first_contact",     "rate",    U, "more"),
    "close_rate":            Kpi("办结率",       "closed of those due",      "close_rate",        "rate",    U, "more"),
    "on_time_close_rate":    Kpi("按期办结率",   "closed on time",           "on_time_close",     "rate",    UC, "more"),
    "overdue_open":          Kpi("超期未办",     "open and overdue",         "overdue_open",      "count",   UC, "less"),
    "overdue_ratio3":        Kpi("严重超期",     "open past three limits",   "overdue_ratio3",    "count",   UC, "less"),
    "yellow_count":          Kpi("黄灯数",       "reminders",                "lights",            "count",   ALL, "less", "yellow"),
    "red_count":             Kpi("红灯数",       "supervision orders",       "lights",            "count",   ALL, "less", "red"),
    "median_handle_hours":   Kpi("中位办理时长", "median handling time",     "handle_hours",      "hours",   ALL, "less", "", 0.5),
    "p90_handle_hours":      Kpi("P90办理时长",  "P90 handling time",        "handle_hours",      "hours",   ALL, "less", "", 0.9),
    "return_rate":           Kpi("退单率",       "returned",                 "return_rate",       "rate",    U, "less"),
    "rework_rate":           Kpi("返工率",       "sent back",                "rework_rate",       "rate",    U, "less"),
    "extension_rate":        Kpi("延期率",       "extended",                 "extension_rate",    "rate",    U, "less"),
    "merge_rate":            Kpi("并案率",       "joined another case",      "merge_rate",        "rate",    ALL),
    "repeat_place_rate":     Kpi("同地重复率",   "repeated at a place",      "repeat_place",      "rate",    ("grid", "class", "area"), "less"),
    "followup_rate":         Kpi("回访率",       "followed up",              "followup_rate",     "rate",    ("area", "unit"), "more"),
    "resolved_rate":         Kpi("解决率",       "solved, says the reporter", "resolved_rate",    "rate",    U, "more"),
    "satisfaction_rate":     Kpi("满意率",       "satisfied",                "satisfaction_rate", "rate",    U, "more"),
    "whistle_response_minutes": Kpi("吹哨响应时长(中位)", "whistle answered, median", "whistle_response", "minutes", ("area",), "less", "", 0.5),
    "self_found_share":      Kpi("主动发现占比", "found by ourselves",       "self_found",        "rate",    ("area", "major"), "more"),
    "grid_self_close_rate":  Kpi("格内办结率",   "closed within the grid",   "grid_self_close",   "rate",    ("area", "grid"), "more"),
    "alarm_ack_p50_seconds": Kpi("告警确认时长(中位)", "alarm acknowledged, median", "alarm_ack", "seconds", ("channel", "area"), "less", "", 0.5),
    "alarm_ack_p95_seconds": Kpi("告警确认时长(P95)", "alarm acknowledged, P95", "alarm_ack",   "seconds", ("channel", "area"), "less", "", 0.95),
    "dispute_success_rate":  Kpi("调解成功率",   "mediated to an agreement", "dispute_success",   "rate",    ("unit", "area", "class", "field"), "more"),
    "agreement_performed_rate": Kpi("协议履行率", "agreements performed",    "agreement_performed", "rate",  ("unit", "area", "class", "field"), "more"),
    "lead_checked_rate":     Kpi("线索核查率",   "leads checked",            "lead_checked",      "rate",    ("unit", "area", "batch"), "more"),
    "lead_overdue":          Kpi("线索超期未核查", "leads unchecked past due", "lead_overdue",     "count",   ("unit", "area", "batch"), "less"),
    "alarm_ack_rate":        Kpi("告警确认率",   "alarms acknowledged",      "alarm_acked",       "rate",    ("channel", "area"), "more"),
    "alarm_false_rate":      Kpi("误报率",       "false alarms",             "alarm_false",       "rate",    ("kind", "building", "channel", "area", "class", "grid"), "less"),
    "device_online_rate":    Kpi("设备在线率",   "devices online",           "last_heard",        "rate",    ("kind", "area", "grid"), "more"),
    "patrol_coverage":       Kpi("巡查覆盖率",   "patrol rounds done",       "visits",            "rate",    ("kind", "area", "grid"), "more"),
    "risk_index":            Kpi("区域风险指数", "risk of an area",          "risk_points",       "index",   ("area", "grid"), "less"),
}
# fmt: on
