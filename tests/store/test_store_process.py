"""The embedded store as a process: starting, refusing, bounded memory, being killed."""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import stat
import subprocess
import threading
import zlib
from pathlib import Path

import lz4.frame
import pytest
import urllib3
import zstandard

from connectors.clickhouse import StoreError, StoreUnavailable, connect, insert_columns
from ops.store.access import BadPasswords, read_passwords
from ops.store.directory import STATE
from tests.store.conftest import PASSWORDS, StoreProcess

SIGN_IN = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORDS["default"]}
MB = 1 << 20


def ask(store: StoreProcess, body: bytes, query: str = "", **headers: str):
    pool = urllib3.PoolManager(retries=False)
    return pool.request(
        "POST",
        f"http://127.0.0.1:{store.port}/",
        body=body,
        headers={**SIGN_IN, **headers, **({"X-Query": query} if query else {})},
        timeout=30,
    )


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


class TestBoundedMemory:
    def test_a_large_result_is_streamed(self, embedded: StoreProcess) -> None:
        sql = b"SELECT number, randomPrintableASCII(100) FROM numbers(5000000) FORMAT RowBinary"
        ask(embedded, b"SELECT 1")
        embedded.forget_peak()
        before = embedded.peak_memory()
        size = 0
        answer = urllib3.PoolManager().request(
            "POST",
            f"http://127.0.0.1:{embedded.port}/",
            body=sql,
            headers=SIGN_IN,
            preload_content=False,
        )
        for piece in answer.stream(MB):
            size += len(piece)
        assert size == 5_000_000 * (8 + 1 + 100)
        assert embedded.peak_memory() - before < 200 * MB

    def test_a_client_that_leaves_cancels_its_query(self, embedded: StoreProcess) -> None:
        client = connect(embedded.address())
        mark = random.getrandbits(60)
        sql = f"SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = {mark}"
        with socket.create_connection(("127.0.0.1", embedded.port)) as leaving:
            head = (
                f"POST /?user=default&password={PASSWORDS['default']} HTTP/1.1\r\n"
                f"Host: x\r\nContent-Length: {len(sql)}\r\n\r\n"
            )
            leaving.sendall(head.encode() + sql.encode())
            running = (
                f"SELECT count() FROM system.processes WHERE query LIKE '%{mark}%' "
                "AND query NOT LIKE '%system.processes%'"
            )
            assert wait_until(lambda: client.command(running) == 1)
        assert wait_until(lambda: client.command(running) == 0)

    def test_a_result_that_cannot_be_streamed_is_limited(self, embedded: StoreProcess) -> None:
        sql = b"SELECT randomPrintableASCII(1000) FROM numbers(1000000) FORMAT JSON"
        answer = ask(embedded, sql)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "396"

    @pytest.mark.parametrize(
        ("encoding", "bomb"),
        [
            ("gzip", gzip.compress(bytes(200 * MB), 9)),
            ("deflate", zlib.compress(bytes(200 * MB), 9)),
            ("lz4", lz4.frame.compress(bytes(200 * MB))),
            ("zstd", zstandard.compress(bytes(200 * MB))),
        ],
        ids=["gzip", "deflate", "lz4", "zstd"],
    )
    def test_bombs(self, embedded: StoreProcess, encoding: str, bomb: bytes) -> None:
        assert len(bomb) < MB
        embedded.forget_peak()
        before = embedded.peak_memory()
        answer = ask(embedded, bomb, **{"Content-Encoding": encoding})
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (413, "307")
        assert embedded.peak_memory() - before < 64 * MB
        assert list((embedded.data / "spill").iterdir()) == []

    def test_a_body_above_the_limit(self, embedded: StoreProcess) -> None:
        answer = ask(embedded, bytes(65 * MB))
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (413, "307")

    def test_a_large_insert_goes_through_the_disk(self, embedded: StoreProcess) -> None:
        client = connect(embedded.address())
        client.command("CREATE TABLE large (n UInt64, t String) ENGINE = MergeTree ORDER BY n")
        row = b"%012d\t" + b"x" * 87 + b"\n"
        body = b"INSERT INTO gridwhistle.large FORMAT TSV\n" + b"".join(
            row % n for n in range(600_000)
        )
        embedded.forget_peak()
        before = embedded.peak_memory()
        assert ask(embedded, body).status == 200
        assert client.command("SELECT count(), uniqExact(n) FROM large") == ["600000", "600000"]
        assert embedded.peak_memory() - before < 400 * MB
        client.command("DROP TABLE large")


class TestJunk:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x00\x01\x02\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /?query=%ff%fe HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic !!!\r\nContent-Length: 0\r\n\r\n",
            b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /" + b"a" * 2_000_000,
        ],
    )
    def test_sockets(self, embedded: StoreProcess, sent: bytes) -> None:
        with socket.create_connection(("127.0.0.1", embedded.port), timeout=10) as stranger:
            try:
                stranger.sendall(sent)
                stranger.shutdown(socket.SHUT_WR)
                answer = stranger.recv(100)
            except OSError:
                answer = b""
        assert answer == b"" or b" 4" in answer[:15] or b" 501 " in answer
        assert ask(embedded, b"SELECT 1").data == b"1\n"

    @pytest.mark.parametrize(
        ("body", "headers", "code"),
        [
            (b"", {}, "62"),
            (b"\xff\xfe\x00", {}, "62"),
            (b"SELECT 1", {"Content-Encoding": "gzip"}, "354"),
            (b"SELECT 1", {"Content-Encoding": "br"}, "432"),
            (gzip.compress(b"SELECT 1")[:-6], {"Content-Encoding": "gzip"}, "354"),
            (lz4.frame.compress(b"SELECT 1")[:-6], {"Content-Encoding": "lz4"}, "354"),
            (zlib.compress(b"SELECT 1")[:-6], {"Content-Encoding": "deflate"}, "354"),
            (b"SELECT file('/etc/passwd')", {}, "497"),
            (b"SELECT " + b"(" * 100_000, {}, "306"),
        ],
    )
    def test_bodies(self, embedded: StoreProcess, body: bytes, headers, code: str) -> None:
        answer = ask(embedded, body, **headers)
        assert answer.headers["X-ClickHouse-Exception-Code"] == code, answer.data[:300]


def wait_until(condition, seconds: float = 10) -> bool:
    """Poll; for what happens in another process and cannot be awaited."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        pause.wait(0.05)
    return False


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
