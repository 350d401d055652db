"""What every store must do, the embedded one and a real ClickHouse alike."""

from __future__ import annotations

import asyncio
import gzip
import json
import urllib.parse
import uuid
import zlib
from datetime import UTC, datetime

import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import (
    connect_async,
    insert_columns,
)
from tests.store.conftest import COLUMNS, Http


def batch(rows: range) -> list[list[object]]:
    return [
        [str(uuid.UUID(int=n)) for n in rows],
        list(rows),
        [1_700_000_000_123 + n for n in rows],
        [("fire", "lift")[n % 2] for n in rows],
        [["烟感", str(n)] for n in rows],
        [None if n % 3 else n / 4 for n in rows],
        [f"某小区'路灯\t\\{n}" for n in rows],
    ]


class TestReadAndWrite:
    def test_insert_columns_and_read_back_every_type(self, client: Client, table: str) -> None:
        written = insert_columns(client, table, list(COLUMNS), batch(range(3000)))
        assert written == 3000
        rows = client.query(f"SELECT * FROM {table} WHERE n = 7").result_rows
        at = datetime(2023, 11, 14, 22, 13, 20, 130_000, tzinfo=UTC)
        assert rows == [(uuid.UUID(int=7), 7, at, "lift", ["烟感", "7"], None, "某小区'路灯\t\\7")]

    def test_row_insert_reports_what_it_wrote(self, client: Client, table: str) -> None:
        summary = client.insert(table, [[1, "甲"], [2, "乙"]], ["n", "text"])
        assert summary.written_rows == 2

    def test_parameters_of_every_kind(self, client: Client) -> None:
        given = {"n": 3, "words": ["it's", "a\tb"], "text": "反斜杠\\n'\"", "none": None}
        sql = "SELECT {n:UInt8}, {words:Array(String)}, {text:String}, {none:Nullable(String)}"
        found = client.query(sql, parameters=given).result_rows
        assert found == [(3, ["it's", "a\tb"], "反斜杠\\n'\"", None)]

    def test_command_results(self, client: Client) -> None:
        assert client.command("SELECT 41 + 1") == 42
        assert client.command("SELECT number FROM numbers(5) WHERE 0") == ""

    def test_row_block_stream(self, client: Client) -> None:
        total = 0
        sql = "SELECT number, toString(number) FROM numbers(300000)"
        with client.query_row_block_stream(sql) as stream:
            for block in stream:
                total += sum(row[0] for row in block)
        assert total == 300_000 * 299_999 // 2

    @pytest.mark.parametrize("fmt", ["JSONEachRow", "RowBinary", "Native", "CSV", "TabSeparated"])
    def test_raw_round_trip(self, client: Client, table: str, fmt: str) -> None:
        insert_columns(client, table, list(COLUMNS), batch(range(500)))
        sql = f"SELECT n + 1000 AS n, text, words FROM {table} ORDER BY n"
        data = client.raw_query(sql, fmt=fmt)
        client.raw_insert(table, ["n", "text", "words"], data, fmt=fmt)
        found = client.query(f"SELECT count(), sum(n) FROM {table} WHERE n >= 1000").result_rows
        assert found == [(500, sum(range(1000, 1500)))]

    def test_arrow_comes_with_its_frame(self, http: Http) -> None:
        answer = http.ask("SELECT number FROM numbers(200000) FORMAT Arrow")
        assert answer.data[:6] == answer.data[-6:] == b"ARROW1"

    def test_formats_with_a_header_have_it_once(self, http: Http) -> None:
        answer = http.ask("SELECT number n FROM numbers(200000) FORMAT CSVWithNames")
        assert answer.data.count(b'"n"') == 1
        assert len(answer.data.splitlines()) == 200_001

    def test_totals_come_after_the_rows(self, http: Http) -> None:
        sql = "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"
        assert http.ask(sql).data == b"0\t5\n1\t5\n\n0\t10\n"

    def test_get_reads(self, http: Http) -> None:
        answer = http.ask(method="GET", query="SELECT 1 AS a FORMAT JSONEachRow")
        assert (answer.status, answer.data) == (200, b'{"a":1}\n')

    def test_default_format_and_its_header(self, http: Http) -> None:
        answer = http.ask("SELECT 1 AS a", default_format="JSONEachRow")
        assert answer.data == b'{"a":1}\n'
        assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"

    def test_settings_in_the_url_last_one_request(self, http: Http) -> None:
        ask = "SELECT getSetting('max_block_size')"
        assert http.ask(ask, max_block_size="1234").data == b"1234\n"
        assert http.ask(ask).data != b"1234\n"

    def test_database_in_the_url(self, http: Http) -> None:
        assert http.ask("SELECT currentDatabase()", database="system").data == b"system\n"

    def test_ping(self, http: Http) -> None:
        assert http.ask(method="GET", path="/ping").data == b"Ok.\n"

    def test_summary_counts_written_rows(self, http: Http, table: str) -> None:
        answer = http.ask(
            b'{"n":1}\n{"n":2}\n',
            query=f"INSERT INTO {table} (n) FORMAT JSONEachRow",
            database="gridwhistle",
        )
        assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"

    def test_insert_values(self, client: Client, table: str) -> None:
        client.command(f"INSERT INTO {table} (n, text) VALUES (1, 'a;b'), (2, 'c') ")
        client.command(f"INSERT INTO {table} (n) SELECT number + 10 FROM numbers(5)")
        assert client.command(f"SELECT count() FROM {table}") == 7

    def test_insert_select_from_input(self, client: Client, http: Http, table: str) -> None:
        sql = (
            f"INSERT INTO {table} (n, text) SELECT n, upper(t) FROM input('n UInt64, t String') "
            "WHERE n > {low:UInt64} FORMAT JSONEachRow"
        )
        data = b'{"n":1,"t":"a"}\n{"n":2,"t":"b"}\n{"n":3,"t":"c"}\n'
        answer = http.ask(data, query=sql, database="gridwhistle", param_low="1")
        assert answer.status == 200, answer.data
        found = client.query(f"SELECT n, text FROM {table} ORDER BY n").result_rows
        assert found == [(2, "B"), (3, "C")]

    def test_the_same_block_twice_counts_once(self, client: Client, table: str) -> None:
        for _ in range(2):
            insert_columns(
                client,
                table,
                list(COLUMNS),
                batch(range(100)),
                {"insert_deduplication_token": "raw.fire-0-100-abc"},
            )
        assert client.command(f"SELECT count() FROM {table}") == 100

    def test_a_row_is_there_when_the_insert_is_answered(self, client: Client) -> None:
        assert client.command("SELECT getSetting('async_insert')") in (0, "false")


class TestCompression:
    @pytest.mark.parametrize(
        ("encoding", "unpack"),
        [
            ("lz4", lz4.frame.decompress),
            ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
            ("gzip", gzip.decompress),
            ("deflate", zlib.decompress),
        ],
    )
    @pytest.mark.parametrize("rows", [10, 2_000_000])
    def test_answers(self, http: Http, encoding: str, unpack, rows: int) -> None:
        answer = http.ask(
            f"SELECT number FROM numbers({rows})",
            headers={"Accept-Encoding": encoding},
            enable_http_compression="1",
        )
        assert answer.headers["Content-Encoding"] == encoding
        lines = unpack(answer.data).splitlines()
        assert (len(lines), lines[-1]) == (rows, str(rows - 1).encode())

    @pytest.mark.parametrize(
        ("encoding", "pack"),
        [
            ("lz4", lz4.frame.compress),
            ("zstd", zstandard.compress),
            ("gzip", gzip.compress),
            ("deflate", zlib.compress),
        ],
    )
    def test_bodies(self, client: Client, http: Http, table: str, encoding: str, pack) -> None:
        rows = b"".join(b'{"n":%d,"text":"%d"}\n' % (n, n) for n in range(50_000))
        halves = pack(rows[: len(rows) // 2]), pack(rows[len(rows) // 2 :])
        body = pack(rows) if encoding == "deflate" else b"".join(halves)  # several frames
        answer = http.ask(
            body,
            headers={"Content-Encoding": encoding},
            query=f"INSERT INTO {table} (n, text) FORMAT JSONEachRow",
            database="gridwhistle",
        )
        assert answer.status == 200, answer.data
        assert client.command(f"SELECT count() FROM {table}") == 50_000

    @pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
    def test_client_in_every_encoding(self, target, table: str, compress: str | bool) -> None:
        from clickhouse_connect import get_client

        parts = urllib.parse.urlsplit(target.admin.url)
        client = get_client(
            host=parts.hostname,
            port=parts.port,
            username=target.admin.user,
            password=target.admin.password,
            database="gridwhistle",
            compress=compress,
        )
        client.insert(table, [[n, str(n)] for n in range(3000)], ["n", "text"])
        assert len(client.query(f"SELECT n, text FROM {table}").result_rows) == 3000
        client.close()


class TestAsync:
    def test_insert_query_stream(self, target, table: str) -> None:
        async def story() -> tuple[int, list[int], int]:
            client = await connect_async(target.writer)
            try:
                await client.insert(table, [[n, str(n)] for n in range(1000)], ["n", "text"])
                counts = await asyncio.gather(
                    *(client.query(f"SELECT count() FROM {table}") for _ in range(8))
                )
                total = 0
                sql = "SELECT number, toString(number) FROM numbers(500000)"
                async with await client.query_row_block_stream(sql) as stream:
                    async for block in stream:
                        total += len(block)
                missing = await client.command(f"SELECT count() FROM {table} WHERE n >= 1000")
            finally:
                await client.close()
            return total, [count.result_rows[0][0] for count in counts], missing

        assert asyncio.run(story()) == (500_000, [1000] * 8, 0)
