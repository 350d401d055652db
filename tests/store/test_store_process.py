"""The embedded store as a process: starting, refusing to start, being killed, a full disk."""

from __future__ import annotations

import json
import os
import random
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest
import urllib3

from connectors.clickhouse import StoreError, StoreUnavailable, connect, insert_columns
from ops.store.access import BadPasswords, read_passwords
from ops.store.directory import STATE
from tests.store.conftest import PASSWORDS, StoreProcess, wait_until

SIGN_IN = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORDS["default"]}
MB = 1 << 20


def refusal(data: Path, *options: str) -> str:
    """What a store that cannot start says; it must be one line in both languages."""
    store = StoreProcess(data, *options, wait=False)
    said = store.finish().strip()
    assert store.process.returncode == 1
    assert len(said.splitlines()) == 1, said
    assert " / " in said
    assert not said.isascii()
    return said


class TestStart:
    def test_second_process_for_one_directory(self, embedded: StoreProcess) -> None:
        assert "in use by another process" in refusal(embedded.data)
        assert connect(embedded.address()).command("SELECT 1") == 1

    def test_port_taken(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert f"port {port}" in refusal(tmp_path / "data", "--port", str(port))

    def test_newer_format(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / STATE).write_text('{"format": 99}')
        assert "newer version (format 99" in refusal(tmp_path / "data")

    def test_damaged_state(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / STATE).write_text('{"form')
        assert "damaged" in refusal(tmp_path / "data")

    def test_not_a_directory(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file")
        assert "cannot write" in refusal(tmp_path / "data")

    def test_a_path_that_is_a_pattern(self, tmp_path: Path) -> None:
        assert "must not contain" in refusal(tmp_path / "da*ta")

    def test_passwords_others_can_read(self, tmp_path: Path) -> None:
        file = tmp_path / "open"
        file.write_text("default=x")
        file.chmod(0o644)
        assert "chmod 600" in refusal(tmp_path / "data", "--password-file", str(file))

    def test_port_file_metrics_and_orderly_end(self, tmp_path: Path) -> None:
        file = tmp_path / "port"
        with socket.create_server(("127.0.0.1", 0)) as free:
            metrics_port = free.getsockname()[1]
        store = StoreProcess(
            tmp_path / "data", "--port-file", str(file), "--metrics-port", str(metrics_port)
        )
        assert int(file.read_text()) == store.port
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        client = connect(store.address())
        client.command("CREATE DATABASE gridwhistle", use_database=False)
        client.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
        insert_columns(client, "t", ["n"], [[1, 2, 3]])
        with pytest.raises(StoreError):
            insert_columns(client, "nowhere", ["n"], [[1]])
        page = urllib3.request("GET", f"http://127.0.0.1:{metrics_port}/metrics").data.decode()
        assert "gridwhistle_store_rows_written_total 3.0" in page
        assert 'gridwhistle_store_errors_total{code="60"} 1.0' in page
        assert 'gridwhistle_store_queries_total{kind="write",user="default"}' in page
        assert store.terminate() == 0
        again = StoreProcess(tmp_path / "data")
        assert connect(again.address()).command("SELECT count() FROM t") == 3
        again.kill()


class TestPasswords:
    def test_json_and_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "p.json"
        file.write_text(json.dumps({"default": "a=b", "wall": "w"}))
        file.chmod(0o600)
        assert read_passwords(file) == {"default": "a=b", "wall": "w"}
        monkeypatch.setenv("GRIDWHISTLE_CLICKHOUSE_PASSWORD", "secret")
        assert read_passwords(None) == {"default": "secret"}
        monkeypatch.delenv("GRIDWHISTLE_CLICKHOUSE_PASSWORD")
        with pytest.raises(BadPasswords):
            read_passwords(None)

    @pytest.mark.parametrize("text", ["", "default=", "stranger=x", "default", "{", "# none\n"])
    def test_bad_files(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "p"
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(BadPasswords):
            read_passwords(file)


class Inserter(threading.Thread):
    """Inserts numbered blocks until the store goes away; a block sent again keeps its token."""

    ROWS = 2000

    def __init__(self, store: StoreProcess, first: int, enough: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client = connect(store.address("writer"), answer_seconds=20)
        self.block = first
        self.acknowledged: list[int] = []
        self.enough = enough
        self.error: StoreError | None = None

    def run(self) -> None:
        try:
            while True:
                columns = [[self.block] * self.ROWS, list(range(self.ROWS))]
                token = {"insert_deduplication_token": f"block-{self.block}"}
                insert_columns(self.client, "blocks", ["block", "n"], columns, token)
                self.acknowledged.append(self.block)
                self.block += 1
                if len(self.acknowledged) >= 15:
                    self.enough.set()
        except StoreError as error:
            self.error = error


class TestKill:
    def test_five_kills_under_inserts(self, tmp_path: Path) -> None:
        """Nothing acknowledged is lost, and no block is there in part."""
        store = StoreProcess(tmp_path / "data")
        admin = connect(store.address())
        admin.command("CREATE DATABASE gridwhistle", use_database=False)
        admin.command(
            "CREATE TABLE blocks (block UInt64, n UInt32) ENGINE = MergeTree ORDER BY (block, n) "
            "SETTINGS non_replicated_deduplication_window = 10000"
        )
        acknowledged: set[int] = set()
        for round_ in range(5):
            enough = threading.Event()
            inserters = [Inserter(store, (round_ * 3 + k) * 1_000_000, enough) for k in range(3)]
            for inserter in inserters:
                inserter.start()
            assert enough.wait(30)
            store.kill()
            for inserter in inserters:
                inserter.join(30)
                assert isinstance(inserter.error, StoreUnavailable)
                acknowledged.update(inserter.acknowledged)
            store = StoreProcess(tmp_path / "data")
        client = connect(store.address())
        sql = "SELECT block, count(), uniqExact(n) FROM blocks GROUP BY block"
        found = {
            block: (rows, different) for block, rows, different in client.query(sql).result_rows
        }
        assert len(acknowledged) >= 75
        assert acknowledged <= set(found)
        assert set(found.values()) == {(Inserter.ROWS, Inserter.ROWS)}
        store.kill()

    def test_sigterm_lets_a_running_insert_finish(self, tmp_path: Path) -> None:
        store = StoreProcess(tmp_path / "data")
        admin = connect(store.address())
        admin.command("CREATE DATABASE gridwhistle", use_database=False)
        admin.command("CREATE TABLE slow (n UInt64) ENGINE = MergeTree ORDER BY n")
        sql = "INSERT INTO slow SELECT number + sleepEachRow(0.01) FROM numbers(100)"
        outcome: list[object] = []
        thread = threading.Thread(
            target=lambda: outcome.append(connect(store.address("writer")).command(sql))
        )
        thread.start()
        running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO slow%'"
        assert wait_until(lambda: admin.command(running) == 1)
        assert store.terminate() == 0
        thread.join(10)
        assert len(outcome) == 1
        again = StoreProcess(tmp_path / "data")
        assert connect(again.address()).command("SELECT count() FROM slow") == 100
        again.kill()


class TestDiskFull:
    def test_a_full_disk_is_243_and_nothing_is_lost(self, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(disk)]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("needs the right to mount a small disk")
        try:
            store = StoreProcess(disk / "data")
            client = connect(store.address())
            client.command("CREATE DATABASE gridwhistle", use_database=False)
            client.command("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
            rows, good = 20_000, 0
            with pytest.raises(StoreUnavailable) as caught:
                for start in range(0, 100 * rows, rows):
                    text = [random.randbytes(150).hex() for _ in range(rows)]
                    insert_columns(
                        client, "t", ["n", "s"], [list(range(start, start + rows)), text]
                    )
                    good += rows
            assert caught.value.code == 243
            assert good
            assert client.command("SELECT count(), uniqExact(n) FROM t") == [str(good)] * 2
            store.kill()
            assert "disk of the data directory is full" in refusal(disk / "data")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
