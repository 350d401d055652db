"""Metrics of the wall process: this table is the catalogue and the documentation."""

from __future__ import annotations

from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from connectors.metrics import Metric, made

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("gridwhistle_wall_screens", Gauge, ("hub",),
           "正在观看的屏幕数 open event streams", "wall"),
    Metric("gridwhistle_wall_slow_screens_total", Counter, ("hub",),
           "因过慢而重发快照的次数 slow screens given a fresh snapshot", "wall"),
    Metric("gridwhistle_wall_tile_seconds", Histogram, ("tile",),
           "每块数据的查询秒数 seconds of a tile's query", "wall", _SECONDS),
    Metric("gridwhistle_wall_tile_errors_total", Counter, ("tile",),
           "查询失败次数 tile queries that failed", "wall"),
    Metric("gridwhistle_wall_newest_event_age_seconds", Gauge, (),
           "最新事件距今秒数 age of the newest event in the store", "wall"),
    Metric("gridwhistle_wall_actions_total", Counter, ("move", "result"),
           "人工操作数,按结果 actions of people by result: done, refused, pending", "wall"),
    Metric("gridwhistle_wall_action_seconds", Histogram, (),
           "人工操作从提交到答复的秒数 seconds from an action to its outcome", "wall", _SECONDS),
    Metric("gridwhistle_wall_logins_total", Counter, ("result",),
           "登录次数,按结果 sign-ins: ok, wrong, throttled", "wall"),
    Metric("gridwhistle_wall_requests_total", Counter, ("status",),
           "HTTP 请求数 requests by status class", "wall"),
)
# fmt: on

_BY_NAME = {m.name: m for m in METRICS}


@cache
def metric(name: str) -> Any:
    """The Prometheus object of a row of ``METRICS``. KeyError for a name that is not one."""
    return made(_BY_NAME[name])
