"""Every topic: what it carries, how it is cut, how long it is kept, who writes and who reads it.

Topics are created from this table before any worker starts; nothing creates one by accident.
"""

from __future__ import annotations

from typing import NamedTuple

DAY_MS = 86_400_000
MB = 1 << 20


class Topic(NamedTuple):
    name: str
    partitions: int
    retention_ms: int  # -1 = for ever
    cleanup: str  # delete | compact
    key: str
    carries: str  # model's dotted name
    producers: str
    consumers: str
    note: str

    def config(self, retention_bytes: int = -1) -> dict[str, str]:
        """Kafka's topic settings. ``retention_bytes`` (a partition) bounds disk on small sites."""
        largest = 8 * MB if self.name == "dead-letters" else 4 * MB  # a dead letter grows in base64
        settings = {"cleanup.policy": self.cleanup, "max.message.bytes": str(largest)}
        if self.cleanup == "compact":
            return settings | {"min.compaction.lag.ms": str(7 * DAY_MS)}
        return settings | {
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(retention_bytes),
        }


def _raw(name: str, model: str, note: str) -> Topic:
    return Topic(
        f"raw.{name}", 4, 7 * DAY_MS, "delete", "device or source number",
        f"schemas.raw.{model}", "connectors/inbound", "streams/intake", note,
    )  # fmt: skip


# fmt: off
TOPICS: tuple[Topic, ...] = (
    _raw("hotline",     "HotlineReport",     "12345、12319、110 非警务、信访"),
    _raw("grid_app",    "AppReport",         "网格通、群众小程序、值守台"),
    _raw("gate",        "GateSignal",        "智慧门禁:门状态与五分钟通行计数"),
    _raw("fire",        "FireSignal",        "消防物联 GB/T 26875.3"),
    _raw("lift",        "LiftSignal",        "电梯物联、电动车入梯"),
    _raw("high_rise",   "HighRiseSignal",    "高空抛物监测"),
    _raw("video",       "VideoAlarm",        "视频告警 GB/T 28181"),
    _raw("environment", "EnvironmentSignal", "井盖、液位、雨量、燃气、一键求助"),
    Topic("case-commands", 4, 7 * DAY_MS, "delete", "village", "schemas.case.Command",
          "streams/intake, ops/wall", "streams/cases", "对案件的指令"),
    Topic("case-changes", 4, -1, "compact", "case number", "schemas.case.Change",
          "streams/cases", "streams/cases, streams/alerts, streams/records",
          "案件状态:一次流转一条,含流转后的完整案件"),
    Topic("alarm-states", 4, -1, "compact", "device, pattern or building",
          "schemas.alarm.AlarmRecord", "streams/cases", "streams/cases, streams/records",
          "设备告警的状态,以及每条信号的处置与理由"),
    Topic("case-outcomes", 4, DAY_MS, "delete", "village", "schemas.case.Outcome",
          "streams/cases", "ops/wall", "对人工指令的答复"),
    Topic("alerts", 4, 7 * DAY_MS, "delete", "recipient", "schemas.alert.Alert",
          "streams/alerts", "streams/records, ops/wall", "推送到单位和值班台的告警"),
    Topic("dead-letters", 4, 30 * DAY_MS, "delete", "topic/partition",
          "schemas.deadletter.DeadLetter", "streams/intake", "streams/records, ops/cli",
          "无法读取的原始记录,完整保留"),
    Topic("contact-vault", 4, 30 * DAY_MS, "delete", "reporter token", "schemas.vault.Contact",
          "connectors/inbound", "ops/callback", "加密的来电人联系方式,单独密钥、单独保留期"),
)
# fmt: on

RAW_TOPICS: tuple[str, ...] = tuple(t.name for t in TOPICS if t.name.startswith("raw."))
BY_NAME: dict[str, Topic] = {t.name: t for t in TOPICS}
