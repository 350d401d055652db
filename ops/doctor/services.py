"""Checks of what holds the data: Kafka, the store, its users and clock, how fresh the data is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from connectors.clickhouse import ClickHouseAddress, StoreError, connect
from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from connectors.kafka_topics import TopicMismatch, describe_topics
from connectors.sqlfiles import read_sql, sql_folder
from ops.breakers import stopped
from ops.doctor.finding import Finding, Site, bad, ok, warn
from ops.migrate import MigrationRefused, applied, pending
from schemas.settings import Settings
from schemas.topics import BY_NAME

NOT_RUNNING = "先启动:gridwhistle up;或设置 GRIDWHISTLE_KAFKA 与 GRIDWHISTLE_CLICKHOUSE"
CLOCK_WARN, CLOCK_BAD = 2.0, 30.0  # seconds
OLD_DATA = 120.0  # seconds
LETTER_SHARE = 0.01


def kafka(site: Site) -> Iterator[Finding]:
    """Reachable, and its topics as in our table."""
    if site.settings is None:
        yield bad("Kafka", "没有运行,也没有给出地址", NOT_RUNNING)
        return
    address = KafkaAddress.of(site.settings)
    try:
        states = describe_topics(address)
    except (KafkaUnavailable, TopicMismatch) as problem:
        remedy = "内置总线:看 logs/broker.log;外部 Kafka:核对地址、SASL 账号与防火墙"
        yield bad("Kafka", f"连不上 {problem}", remedy)
        return
    missing = [name for name in BY_NAME if name not in states]
    wrong = []
    for name, state in states.items():
        row = BY_NAME[name]
        cleanup = state.config.get("cleanup.policy", row.cleanup)
        if state.partitions != row.partitions:
            wrong.append(f"{name} 有 {state.partitions} 个分区(应为 {row.partitions})")
        if cleanup != row.cleanup:
            wrong.append(f"{name} 的 cleanup.policy 为 {cleanup}(应为 {row.cleanup})")
    if missing:
        yield bad("Kafka 主题", "缺少 " + "、".join(missing), "请运行 gridwhistle topics create")
    if wrong:
        yield bad(
            "Kafka 主题", ";".join(wrong), "不会自动修改:请按 gridwhistle topics list 重建或换集群"
        )
    if not missing and not wrong:
        yield ok("Kafka", f"{address.bootstrap},{len(states)} 个主题齐全")


def store(site: Site) -> Iterator[Finding]:
    """Reachable, migrations current, every user signs in, the wall's user cannot write."""
    if site.settings is None:
        yield bad("存储", "没有运行,也没有给出地址", NOT_RUNNING)
        return
    own = _address(site.settings)
    try:
        client = connect(own, answer_seconds=10)
        version = client.server_version
        waiting = pending(client, sql_folder("migrations"))
        done = len(applied(client))
    except MigrationRefused as problem:
        yield bad("存储", str(problem), "请用与数据相同的版本;不要手工修改已执行的迁移文件")
        return
    except StoreError as problem:
        yield bad("存储", f"{own.url}:{_first(problem)}", _store_remedy(problem))
        return
    yield ok("存储", f"{own.url},ClickHouse {version}")
    if waiting:
        names = "、".join(step.file for step in waiting)
        yield bad("数据表", f"有 {len(waiting)} 个迁移未执行:{names}", "请运行 gridwhistle migrate")
    else:
        yield ok("数据表", f"{done} 个迁移均已执行")
    yield from _users(site, own)


def _users(site: Site, own: ClickHouseAddress) -> Iterator[Finding]:
    """Each user of the embedded store; elsewhere only our own password is known to us."""
    passwords = {own.user: own.password}
    if site.run is not None:
        try:
            passwords = site.home.passwords()
        except (OSError, ValueError) as problem:
            yield bad("存储账号", f"口令文件读不了:{problem}", "请从备份恢复 secrets/store.json")
            return
    wrong, writing = [], []
    for user, password in passwords.items():
        address = ClickHouseAddress(own.url, user, password, own.database)
        try:
            client = connect(address, answer_seconds=10)
            readonly = client.query(read_sql("ledger/readonly.sql")).result_rows[0][0]
        except Exception as problem:
            wrong.append(f"{user}({_first(problem)})")
            continue
        if user in ("wall", "reports") and not int(readonly):
            writing.append(user)
    roles = "gridwhistle migrate --roles 口令文件"
    if wrong:
        remedy = f"内置存储:恢复 secrets/store.json;生产库:{roles}"
        yield bad("存储账号", "登录失败:" + "、".join(wrong), remedy)
    if writing:
        yield bad("存储账号", "、".join(writing) + " 可以写入,应为只读", f"生产库:{roles}")
    if not wrong and not writing:
        yield ok("存储账号", "、".join(passwords) + " 均可登录,权限正确")


def flow(site: Site) -> Iterator[Finding]:
    """The store's clock against ours, age of the newest row, share of dead letters."""
    if site.settings is None:
        return
    try:
        client = connect(_address(site.settings), answer_seconds=10)
        before = time.time()
        theirs = int(client.query(read_sql("ledger/clock.sql")).result_rows[0][0]) / 1000
        after = time.time()
        now_ms = int(after * 1000)
        (figures,) = client.query(read_sql("ledger/health.sql"), {"now_ms": now_ms}).result_rows
    except Exception as problem:
        yield bad("数据", f"查询失败:{_first(problem)}", "先解决上面的存储问题")
        return
    yield _clock(theirs - (before + after) / 2, (after - before) / 2)
    newest, events, letters = (int(figure or 0) for figure in figures)
    yield _age(site, newest, now_ms)
    share = letters / max(1, events + letters)
    said = f"近一小时事件 {events} 条,死信 {letters} 条"
    if share > LETTER_SHARE:
        yield warn(
            "死信", f"{said}({share:.1%})", "查看原因:gridwhistle deadletters list --since 1h"
        )
    else:
        yield ok("死信", said)


def _clock(off: float, unsure: float) -> Finding:
    size = abs(off) - unsure
    said = f"与存储相差 {off:+.1f} 秒"
    remedy = "请校时:timedatectl set-ntp true(两台机器都要)"
    if size > CLOCK_BAD:
        return bad("时钟", said, remedy + ";时限会按错误的时间亮灯")
    return warn("时钟", said, remedy) if size > CLOCK_WARN else ok("时钟", said)


def _age(site: Site, newest_ms: int, now_ms: int) -> Finding:
    if not newest_ms:
        return warn("最新数据", "近一天没有事件", "检查接入端令牌与网络;演示请启动模拟器")
    age = (now_ms - newest_ms) / 1000
    if age < -60:
        return bad("最新数据", f"在未来 {-age:.0f} 秒", "本机时钟被拨回过:请校时")
    if age > OLD_DATA:
        said = f"{age / 60:.0f} 分钟前" if age < 7200 else f"{age / 3600:.1f} 小时前"
        source = "模拟器" if site.run and site.run.get("simulated") else "各接入端"
        return warn("最新数据", said, f"若本应有数据:检查{source},再看下面的积压")
    return ok("最新数据", f"{max(0, age):.0f} 秒前")


def _address(settings: Settings) -> ClickHouseAddress:
    return ClickHouseAddress(
        settings.clickhouse, settings.clickhouse_user,
        settings.clickhouse_password.get_secret_value(), settings.clickhouse_database,
    )  # fmt: skip


def _first(problem: BaseException) -> str:
    return str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__


def _store_remedy(problem: StoreError) -> str:
    if problem.code in (60, 81):
        return "请运行 gridwhistle migrate"
    if problem.code in (192, 193, 194, 516):
        return "账号或口令不对:核对 GRIDWHISTLE_CLICKHOUSE_USER 与 GRIDWHISTLE_CLICKHOUSE_PASSWORD"
    return "内置存储:看 logs/store.log;外部 ClickHouse:核对地址与防火墙"


def breakers(site: Site) -> Iterator[Finding]:
    """Partitions that intake stopped because too many of their records were bad."""
    if site.settings is None:
        return
    try:
        standing = stopped(connect(_address(site.settings)))
    except StoreError:
        return  # said by the check of the store
    for row in standing:
        yield bad(
            "熔断分区",
            f"{row.topic}[{row.partition}] 停在 {row.offset}:最近 {row.seen} 条中 {row.bad} 条坏,"
            f"多为 {row.reason}",
            f"修好来源后重启,或放行:gridwhistle deadletters pass {row.topic} {row.partition}",
        )


CHECKS = (kafka, store, flow, breakers)
