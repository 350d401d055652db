"""The doctor: healthy is all green; each fault is found and comes with a remedy."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import typer
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from connectors.clickhouse import ClickHouseAddress, connect, insert_columns
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from ops.cli import doctor as command
from ops.doctor import machine, processes, services
from ops.doctor.finding import Finding, Findings, Site, guarded
from ops.doctor.processes import Lag
from ops.up.home import Home, open_home, write_run
from schemas.settings import Settings, settings
from schemas.topics import BY_NAME

PLACE = ("raw.gate", 1)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Home(tmp_path / "data"), None, None, 0, {})


def only(check: Callable[[Site], Findings], site: Site) -> Finding:
    (found,) = list(check(site))
    return found


def problems(found: list[Finding]) -> list[Finding]:
    wrong = [one for one in found if one.state != "ok"]
    assert all(one.remedy for one in wrong)
    assert all(not one.remedy for one in found if one.state == "ok")
    return wrong


# --- the machine


def test_this_machine_is_fit(site: Site) -> None:
    found = [one for check in machine.CHECKS for one in guarded(check, site)]
    assert [one for one in problems(found) if one.state == "bad"] == []
    assert {one.subject for one in found} >= {
        "Python",
        "软件包",
        "磁盘",
        "数据目录",
        "端口",
        "地区配置",
    }


def test_another_python_or_package_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PYTHONS", ((2, 7),))
    monkeypatch.setattr(machine, "PINNED", {"aiokafka": "0.0.1", "no-such-package": "1"})
    wrong = problems(list(machine.python(site)))
    assert [one.subject for one in wrong] == ["Python", "软件包"]
    assert "未安装" in wrong[1].detail


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "state"), [(100 << 20, "bad"), (3 << 30, "warn"), (9 << 30, "ok")]
)
def test_a_full_disk(site: Site, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(10 << 30, 0, free))
    assert next(iter(machine.disk(site))).state == state


def test_the_data_directory(site: Site) -> None:
    assert "还不存在" in only(machine.data_dir, site).detail
    home, lock = open_home(site.home.path)
    assert only(machine.data_dir, site).state == "warn"  # held, but nothing says by whom
    write_run(home, {"pid": os.getpid(), "wall": "http://127.0.0.1:1"})
    run = {"pid": os.getpid()}
    assert only(machine.data_dir, site._replace(run=run)).state == "ok"
    os.close(lock)
    assert "上次未正常停止" in only(machine.data_dir, site).detail
    file = home.path / "gridwhistle.json"
    file.write_text(json.dumps({"format": 99}))
    newer = only(machine.data_dir, site)
    assert (newer.state, "升级" in newer.remedy) == ("bad", True)
    file.write_text("{")
    assert "已损坏" in only(machine.data_dir, site).detail


def test_looking_does_not_take_the_lock(site: Site) -> None:
    _, lock = open_home(site.home.path)
    os.close(lock)
    only(machine.data_dir, site)
    again, lock = open_home(site.home.path)
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)
    assert again == site.home


def test_secrets_others_can_read(site: Site) -> None:
    home, lock = open_home(site.home.path)
    os.close(lock)
    assert only(machine.secrets, site).state == "ok"
    home.store_passwords.chmod(0o640)
    wrong = only(machine.secrets, site)
    assert wrong.state == "bad"
    assert "0640" in wrong.detail
    assert "chmod -R go=" in wrong.remedy


def test_a_taken_port(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        wrong = only(machine.port, site._replace(port=number))
    assert wrong.state == "bad"
    assert str(number + 1) in wrong.remedy


def test_a_broken_profile(site: Site, tmp_path: Path) -> None:
    broken = Settings(profile=str(tmp_path / "nowhere"))
    wrong = only(machine.profile, site._replace(settings=broken))
    assert wrong.state == "bad"
    assert "profile check" in wrong.remedy


def test_a_check_that_fails_is_a_finding_itself(site: Site) -> None:
    def broken(_: Site) -> Findings:
        raise RuntimeError("boom")

    (found,) = guarded(broken, site)
    assert found.state == "bad"
    assert "boom" in found.detail


# --- Kafka and the store


def reachable(broker: KafkaAddress, store: ClickHouseAddress, database: str) -> Settings:
    return Settings(
        kafka=broker.bootstrap, clickhouse=store.url, clickhouse_user=store.user,
        clickhouse_password=store.password, clickhouse_database=database,
    )  # fmt: skip


@pytest.fixture
def running(
    site: Site, broker: KafkaAddress, store_process: ClickHouseAddress, store: Client
) -> Site:
    create_topics(broker)
    return site._replace(settings=reachable(broker, store_process, str(store.database)))


def test_nothing_runs(site: Site) -> None:
    found = [one for check in (services.kafka, services.store) for one in check(site)]
    assert [one.state for one in problems(found)] == ["bad", "bad"]
    assert all("gridwhistle up" in one.remedy for one in found)


def test_all_is_well(running: Site, store: Client) -> None:
    put_event(store, int(time.time() * 1000))
    found = [one for check in services.CHECKS for one in guarded(check, running)]
    assert problems(found) == []
    assert {one.subject for one in found} == {
        "Kafka", "存储", "数据表", "存储账号", "时钟", "最新数据", "死信",
    }  # fmt: skip


def test_nobody_answers(running: Site) -> None:
    assert running.settings is not None
    away = running.settings.model_copy(
        update={"kafka": "127.0.0.1:1", "clickhouse": "http://127.0.0.1:1"}
    )
    found = [
        one for check in services.CHECKS for one in guarded(check, running._replace(settings=away))
    ]
    assert [one.subject for one in problems(found)] == ["Kafka", "存储", "数据"]
    assert {one.state for one in found} == {"bad"}


def test_missing_and_different_topics(running: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row = BY_NAME["raw.gate"]
    monkeypatch.setitem(BY_NAME, "raw.new", replace_topic(row, name="raw.new"))
    monkeypatch.setitem(BY_NAME, "raw.gate", replace_topic(row, partitions=9))
    wrong = problems(list(services.kafka(running)))
    assert "缺少 raw.new" in wrong[0].detail
    assert "raw.gate 有 4 个分区(应为 9)" in wrong[1].detail


def replace_topic(row: object, **more: object) -> object:
    return row._replace(**more)  # type: ignore[attr-defined]


def test_a_wrong_password_and_missing_tables(
    running: Site, store_process: ClickHouseAddress
) -> None:
    assert running.settings is not None
    wrong = Settings(
        kafka=running.settings.kafka, clickhouse=store_process.url, clickhouse_user="writer",
        clickhouse_password="no",
    )  # fmt: skip
    found = list(services.store(running._replace(settings=wrong)))
    assert found[0].state == "bad"
    assert "GRIDWHISTLE_CLICKHOUSE_PASSWORD" in found[0].remedy

    empty = "ops_empty"
    client = connect(replace(store_process, database=empty))
    client.command(f"CREATE DATABASE {empty}", use_database=False)
    try:
        fresh = reachable(KafkaAddress("x:1"), store_process, empty)
        late = problems(list(services.store(running._replace(settings=fresh))))
        assert [one.subject for one in late] == ["数据表"]
        assert "gridwhistle migrate" in late[0].remedy
    finally:
        client.command(f"DROP DATABASE {empty}", use_database=False)


def put_event(store: Client, ingest_ms: int) -> None:
    insert_columns(
        store, "events", ["topic", "offset", "ingest_ms"], [["raw.gate"], [0], [ingest_ms]]
    )


@pytest.mark.parametrize(
    ("age_seconds", "state", "said"),
    [
        (5, "ok", "秒前"),
        (600, "warn", "10 分钟前"),
        (8000, "warn", "小时前"),
        (-900, "bad", "在未来"),
    ],
)
def test_age_of_the_newest_event(
    running: Site, store: Client, age_seconds: int, state: str, said: str
) -> None:
    put_event(store, int(time.time() * 1000) - age_seconds * 1000)
    found = {one.subject: one for one in services.flow(running)}
    assert found["最新数据"].state == state
    assert said in found["最新数据"].detail


def test_many_dead_letters(running: Site, store: Client) -> None:
    put_event(store, int(time.time() * 1000))
    insert_columns(store, "dead_letters", ["topic", "offset", "at_ms"],
                   [["raw.gate"], [1], [int(time.time() * 1000)]])  # fmt: skip
    found = {one.subject: one for one in services.flow(running)}
    assert found["死信"].state == "warn"
    assert "deadletters list" in found["死信"].remedy


@pytest.mark.parametrize(("off", "state"), [(0.1, "ok"), (-1.9, "ok"), (4, "warn"), (-40, "bad")])
def test_clocks_that_differ(off: float, state: str) -> None:
    assert services._clock(off, unsure=0.05).state == state


# --- the workers


def lag(committed: int, end: int) -> Lag:
    return Lag({PLACE: committed}, {PLACE: end})


@pytest.mark.parametrize(
    ("first", "second", "state", "said"),
    [
        (lag(5, 5), lag(5, 5), "ok", "0 条"),
        (lag(5, 9), lag(8, 12), "ok", "4 条"),
        (lag(5, 9), lag(5, 12), "bad", "没有前进"),
        (lag(9, 9), lag(9, 12), "ok", "3 条"),  # what came just now is no stand-still
        (lag(0, 900_000), lag(90_000, 900_000), "warn", "追平"),
        (Lag({}, {PLACE: 7}), Lag({}, {PLACE: 7}), "bad", "从未提交"),
        (Lag({}, {PLACE: 0}), Lag({}, {PLACE: 0}), "ok", "0 条"),
    ],
)
def test_backlogs(first: Lag, second: Lag, state: str, said: str) -> None:
    found = processes._moving("gridwhistle-intake", first, second)
    assert (found.state, said in found.detail) == (state, True), found
    assert problems([found]) == ([] if state == "ok" else [found])


class Quiet(BaseHTTPRequestHandler):
    """Answers /metrics, is not ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_processes_that_do_not_answer(site: Site, web: int) -> None:
    metrics = {"intake": f"http://127.0.0.1:{web}/metrics", "cases": "http://127.0.0.1:1/metrics"}
    found = list(processes.workers(site._replace(metrics=metrics, run={"pid": 1}, port=web)))
    silent, wall = problems(found)
    assert silent.detail == "不应答:cases"
    assert "HTTP 503" in wall.detail


def test_lags_of_a_real_broker(running: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOOK_SECONDS", 0.01)
    found = list(processes.workers(running))
    assert [one.subject for one in found] == ["积压 intake", "积压 cases", "积压 records"]


# --- the command


def test_the_command_prints_remedies_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GRIDWHISTLE_KAFKA", "GRIDWHISTLE_CLICKHOUSE"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    app = typer.Typer()
    app.command()(command.doctor)
    words = ["--data-dir", str(tmp_path / "none"), "--port", "0"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "✗ Kafka" in result.output
    assert "办法:先启动" in result.output
    listed = CliRunner().invoke(app, [*words, "--json"])
    rows = json.loads(listed.output)
    assert {row["state"] for row in rows} >= {"ok", "bad"}


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWHISTLE_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("GRIDWHISTLE_CLICKHOUSE", "http://127.0.0.1:1")
    monkeypatch.setenv("GRIDWHISTLE_METRICS_PORT", "many")
    settings.cache_clear()
    (found,) = command.examine(tmp_path, 0)
    assert found.state == "bad"
    assert "GRIDWHISTLE_METRICS_PORT" in found.detail
    settings.cache_clear()
