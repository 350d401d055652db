"""Checks of what works: every process answers, the wall is ready, no backlog stands still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from connectors.kafka_topics import admin, describe_topics
from ops.doctor.finding import Finding, Site, bad, ok, warn
from schemas.topics import RAW_TOPICS

READS = {
    "gridwhistle-intake": RAW_TOPICS,
    "gridwhistle-cases": ("case-commands",),
    "gridwhistle-records": ("case-changes", "alerts", "dead-letters"),
}
LOOK_SECONDS = 3.0  # between two looks at the same offsets
MANY_BEHIND = 100_000
HTTP_SECONDS = 5.0


class Lag(NamedTuple):
    """Offsets of one group over its topics; ``committed`` lacks places it never committed."""

    committed: dict[tuple[str, int], int]
    ends: dict[tuple[str, int], int]

    @property
    def behind(self) -> dict[tuple[str, int], int]:
        return {
            place: end - self.committed[place]
            for place, end in self.ends.items()
            if place in self.committed and end > self.committed[place]
        }


def workers(site: Site) -> Iterator[Finding]:
    """Every process answers on /metrics, the wall is ready, and lag shrinks or is nil."""
    silent = [name for name, url in site.metrics.items() if _get(url) != 200]
    if silent:
        logs = f"看日志 {site.home.logs}/<进程>.log"
        remedy = f"{logs};up 会自动重启,反复重启请看日志末尾"
        yield bad("进程", "不应答:" + "、".join(silent), remedy)
    elif site.metrics:
        yield ok("进程", "、".join(site.metrics) + " 均应答")
    if site.run is not None:
        wall = f"http://127.0.0.1:{site.port}/readyz"
        status = _get(wall)
        if status == 200:
            yield ok("大屏", f"端口 {site.port} 就绪")
        else:
            remedy = f"curl {wall} 会说缺什么;日志 logs/wall.log"
            yield bad("大屏", f"端口 {site.port} 未就绪(HTTP {status})", remedy)
    if site.settings is None:
        return
    address = KafkaAddress.of(site.settings)
    try:
        first = lags(address)
        if any(lag.behind for lag in first.values()):
            time.sleep(LOOK_SECONDS)
        second = lags(address)
    except KafkaUnavailable:
        return  # said already
    for group in READS:
        yield _moving(group, first[group], second[group])


def _moving(group: str, first: Lag, second: Lag) -> Finding:
    stage = group.removeprefix("gridwhistle-")
    subject = f"积压 {stage}"
    if not second.committed and any(second.ends.values()):
        return bad(subject, "从未提交过位点", f"处理环节没有运行或反复重启:看 logs/{stage}.log")
    stuck = [
        place for place in second.behind
        if place in first.behind and second.committed[place] == first.committed[place]
    ]  # fmt: skip
    total = sum(second.behind.values())
    if stuck:
        topic, partition = stuck[0]
        count = sum(second.behind[place] for place in stuck)
        return bad(
            subject,
            f"{len(stuck)} 个分区 {LOOK_SECONDS:.0f} 秒内没有前进,积压 {count} 条"
            f"(如 {topic} 分区 {partition})",
            f"看 logs/{stage}.log:存储不可用时会等待;卡死的环节会自行退出重启",
        )
    if total > MANY_BEHIND:
        moved = sum(second.committed.values()) - sum(first.committed.values())
        pace = moved / LOOK_SECONDS
        minutes = f",约 {total / pace / 60:.0f} 分钟追平" if pace > 0 else ""
        return warn(
            subject, f"{total} 条{minutes}", f"正在追赶;可再启动一个:gridwhistle worker {stage}"
        )
    return ok(subject, f"{total} 条")


def lags(address: KafkaAddress) -> dict[str, Lag]:
    """What each consumer group has committed of its topics, and where these end."""
    with admin(address) as client:
        groups = client.list_group_offsets(dict.fromkeys(READS))
    states = describe_topics(address, [topic for topics in READS.values() for topic in topics])
    return {
        group: Lag(
            {
                (tp.topic, tp.partition): at.offset
                for tp, at in groups.get(group, {}).items()
                if at.offset >= 0 and tp.topic in topics
            },
            {
                (name, number): end
                for name in topics
                if name in states
                for number, end in enumerate(states[name].ends)
            },
        )
        for group, topics in READS.items()
    }


def _get(url: str) -> int:
    """HTTP status; 0 when nobody answers."""
    try:
        return httpx.get(url, timeout=HTTP_SECONDS, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


CHECKS = (workers,)
