"""The embedded store under large, hostile and plain wrong requests."""

from __future__ import annotations

import gzip
import random
import socket
import zlib

import lz4.frame
import pytest
import urllib3
import zstandard

from connectors.clickhouse import connect
from tests.store.conftest import PASSWORDS, StoreProcess, wait_until

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
            (gzip.compress(b"SELECT 1", mtime=0)[:-6], {"Content-Encoding": "gzip"}, "354"),
            (lz4.frame.compress(b"SELECT 1")[:-6], {"Content-Encoding": "lz4"}, "354"),
            (zlib.compress(b"SELECT 1")[:-6], {"Content-Encoding": "deflate"}, "354"),
            (b"SELECT file('/etc/passwd')", {}, "497"),
            (b"SELECT " + b"(" * 100_000, {}, "306"),
        ],
    )
    def test_bodies(self, embedded: StoreProcess, body: bytes, headers, code: str) -> None:
        answer = ask(embedded, body, **headers)
        assert answer.headers["X-ClickHouse-Exception-Code"] == code, answer.data[:300]
