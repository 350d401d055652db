"""Starting and stopping the embedded broker, and when it does not start."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

pytestmark = pytest.mark.embedded_only


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.broker", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_a_second_broker_on_the_directory_is_refused(own_broker: Any) -> None:
    broker = own_broker()
    done = start("--dir", str(broker.directory), "--port", "0")
    assert done.returncode != 0
    assert "正被另一个代理进程使用" in done.stderr
    assert "Another broker" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said(own_broker: Any, tmp_path: Path) -> None:
    broker = own_broker()
    done = start("--dir", str(tmp_path / "other"), "--port", str(broker.port))
    assert done.returncode != 0
    assert f"端口 {broker.port} 已被占用" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_of_a_newer_version_is_left_alone(own_broker: Any) -> None:
    broker = own_broker()
    broker.stop()
    meta = broker.directory / "meta.json"
    described = json.loads(meta.read_text()) | {"format": 99}
    meta.write_text(json.dumps(described))
    done = start("--dir", str(broker.directory), "--port", "0")
    assert done.returncode != 0
    assert "更新的版本" in done.stderr
    assert "newer version" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(meta.read_text())["format"] == 99


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    done = start("--dir", str(blocked / "below"), "--port", "0")
    assert done.returncode != 0
    assert "不可写" in done.stderr
    assert "not writable" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_a_host_others_can_reach_is_refused(tmp_path: Path, host: str) -> None:
    done = start("--dir", str(tmp_path / "d"), "--port", "0", "--host", host)
    assert done.returncode != 0
    assert "回环" in done.stderr
    assert "loopback" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_port_file_is_there_when_ready(own_broker: Any, tmp_path: Path) -> None:
    file = tmp_path / "port"
    broker = own_broker("--port-file", str(file))
    assert file.read_text().strip() == str(broker.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_with_clients_waiting(
    own_broker: Any, creates: Any, number: int
) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "g", "log_level": 0}
    )
    consumer.subscribe(["t"])
    consumer.poll(1)
    assert broker.end(number) == 0
    assert "Traceback" not in broker.log()
    consumer.close()
