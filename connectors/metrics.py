"""Every metric of workers and supervisor: this table is the catalogue and the documentation.

A metric is made when first asked for, so a process exposes only what it uses.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server


class Metric(NamedTuple):
    name: str
    kind: type
    labels: tuple[str, ...]
    help: str
    process: str
    buckets: tuple[float, ...] = ()


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 10, 100, 1000, 5000, 20000, 50000, 100000)

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("gridwhistle_records_total", Counter, ("topic",),
           "Kafka 记录读入数 records read", "intake cases records"),
    Metric("gridwhistle_events_total", Counter, ("channel", "disposition"),
           "归一化事件数 events decided", "intake"),
    Metric("gridwhistle_emergencies_total", Counter, ("channel",),
           "紧急事件数 events decided to be emergencies", "intake"),
    Metric("gridwhistle_dead_letters_total", Counter, ("topic", "reason"),
           "死信数,按原因 records sent to the dead letters", "intake cases"),
    Metric("gridwhistle_filtered_total", Counter, ("topic", "reason"),
           "读入而不计数的记录,按原因 records read and not counted", "intake"),
    Metric("gridwhistle_lost_records_total", Counter, ("topic",),
           "未读即过保留期的记录数 records deleted by retention before they were read", "intake"),
    Metric("gridwhistle_breaker_open", Gauge, ("topic", "partition"),
           "分区因坏记录过多而停读 1 while a partition stands: its records are bad", "intake"),
    Metric("gridwhistle_ledger_missing", Gauge, ("topic",),
           "账目缺失的记录数 records that are in no table", "wall"),
    Metric("gridwhistle_ledger_doubled", Gauge, ("topic",),
           "账目重复的行数 rows that are there too often", "wall"),
    Metric("gridwhistle_ledger_sound", Gauge, (),
           "账目相符为 1 1 while every record is counted exactly once", "wall"),
    Metric("gridwhistle_devices", Gauge, ("kind", "state"),
           "有心跳要求的设备数:在线、沉默、未知 devices by state: online, silent, unknown", "wall"),
    Metric("gridwhistle_ledger_counted_at", Gauge, (),
           "上次对账完成的时刻 epoch seconds of the last count", "wall"),
    Metric("gridwhistle_decide_seconds", Histogram, (),
           "一批记录从解码到判定的秒数 seconds to decode and decide a chunk", "intake", _SECONDS),
    Metric("gridwhistle_insert_rows", Histogram, ("table",),
           "每次写入行数 rows of an insert", "intake records", _SIZES),
    Metric("gridwhistle_insert_seconds", Histogram, ("table",),
           "每次写入秒数 seconds of an insert", "intake records", _SECONDS),
    Metric("gridwhistle_insert_retries_total", Counter, ("table", "reason"),
           "写入重试数 inserts tried again", "intake records"),
    Metric("gridwhistle_rows_waiting", Gauge, ("table",),
           "等待写入的行数 rows waiting for an insert", "intake records"),
    Metric("gridwhistle_lag_records", Gauge, ("topic", "partition"),
           "未处理的记录数 records behind the end of a partition", "intake cases records"),
    Metric("gridwhistle_commands_total", Counter, ("move", "result"),
           "案件指令数 commands by result: changed, refused, repeated", "cases"),
    Metric("gridwhistle_alarms_total", Counter, ("outcome",),
           "设备告警处置数 signals of devices by what became of them", "cases"),
    Metric("gridwhistle_alarms_known", Gauge, ("partition",),
           "记着的告警、组合、批量与窗口 alarm states remembered", "cases"),
    Metric("gridwhistle_open_cases", Gauge, ("partition",),
           "在办案件数 open cases held by the writer", "cases"),
    Metric("gridwhistle_lights_total", Counter, ("clock", "stage"),
           "亮灯数 lights shown", "cases"),
    Metric("gridwhistle_timer_lateness_seconds", Histogram, ("stage",),
           "亮灯比应亮晚的秒数 seconds a light came after its time", "cases",
           (1, 2, 5, 10, 30, 60, 300, 3600, 86400)),
    Metric("gridwhistle_timer_waiting", Gauge, ("partition",),
           "等待中的时限 deadlines waiting", "cases"),
    Metric("gridwhistle_recovery_seconds", Histogram, (),
           "恢复一个分区案件的秒数 seconds to recover the cases of a partition", "cases", _SECONDS),
    Metric("gridwhistle_alerts_total", Counter, ("kind",),
           "告警数 alerts sent", "cases"),
    Metric("gridwhistle_event_to_alert_seconds", Histogram, ("kind",),
           "事件进入到告警发出的秒数 seconds from a record's time stamp to its alert", "cases",
           _SECONDS),
    Metric("gridwhistle_clock_steps_total", Counter, (),
           "系统时钟跳变次数 steps of the wall clock; firing pauses", "cases"),
    Metric("gridwhistle_intake_events_total", Counter, ("channel", "outcome"),
           "HTTP 接入事件数,按结果 events over HTTP by outcome", "wall"),
    Metric("gridwhistle_process_up", Gauge, ("process",),
           "各进程是否在运行 1 while a supervised process runs", "up"),
    Metric("gridwhistle_process_restarts_total", Counter, ("process",),
           "各进程被重启次数 restarts of a supervised process", "up"),
)
# fmt: on

_BY_NAME = {m.name: m for m in METRICS}


@cache
def metric(name: str) -> Any:
    """The Prometheus object of a row of ``METRICS``. KeyError for a name that is not one."""
    return made(_BY_NAME[name])


def made(row: Metric) -> Any:
    """A new Prometheus object for a row. Once a process: ValueError when its name is taken."""
    if row.kind is Histogram:
        return Histogram(row.name, row.help, row.labels, buckets=row.buckets)
    return row.kind(row.name, row.help, row.labels)


def serve_metrics(port: int, host: str = "127.0.0.1") -> None:
    """Expose ``/metrics`` on a thread of its own; 0 = do not. OSError when the port is taken."""
    if port:
        start_http_server(port, addr=host, registry=REGISTRY)
