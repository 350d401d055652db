"""What every store must do, the embedded one and a real ClickHouse alike."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import urllib.parse
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import lz4.frame
import pytest
import urllib3
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.clickhouse import (
    ClickHouseAddress,
    StoreRejected,
    StoreUnavailable,
    classify_error,
    connect,
    connect_async,
    insert_columns,
)

COLUMNS = {
    "id": "UUID",
    "n": "UInt64",
    "at": "DateTime64(3, 'UTC')",
    "class": "LowCardinality(String)",
    "words": "Array(String)",
    "value": "Nullable(Float64)",
    "text": "String",
}
NUMBERS = itertools.count()


class Http:
    """Plain HTTP to a store, as curl would."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self.address = address
        self.pool = urllib3.PoolManager(retries=False)

    def ask(
        self,
        sql: str | bytes = b"",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        stream: bool = False,
        path: str = "/",
        user: str | None = None,
        key: str | None = None,
        **arguments: str,
    ) -> urllib3.BaseHTTPResponse:
        chosen = {
            "X-ClickHouse-User": self.address.user if user is None else user,
            "X-ClickHouse-Key": self.address.password if key is None else key,
        }
        return self.pool.request(
            method,
            f"{self.address.url}{path}?{urllib.parse.urlencode(arguments)}",
            body=sql if method == "POST" else None,
            headers={**chosen, **(headers or {})},
            preload_content=not stream,
            decode_content=False,
            timeout=30,
        )


def code(response: urllib3.BaseHTTPResponse) -> int:
    """The ClickHouse code of a refusal; header, body and status must agree that it is one."""
    found = int(response.headers["X-ClickHouse-Exception-Code"])
    assert response.data.startswith(f"Code: {found}. DB::Exception: ".encode())
    assert response.status >= 400
    return found


@pytest.fixture
def client(target) -> Client:
    return connect(target.admin)


@pytest.fixture
def http(target) -> Http:
    return Http(target.admin)


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    name = f"contract_{next(NUMBERS)}_{uuid.uuid4().hex[:8]}"
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    client.command(
        f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY n "
        "SETTINGS non_replicated_deduplication_window = 1000"
    )
    yield name
    client.command(f"DROP TABLE {name}")


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


class TestErrors:
    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("SELEC 1", 62),
            ("SELECT * FROM missing_table", 60),
            ("SELECT missing_column FROM system.one", 47),
            ("SELECT no_such_function(1)", 46),
            ("SELECT 1 FORMAT NoSuchFormat", 73),
            ("SELECT toUInt8('x')", 6),
            ("SELECT 1; SELECT 2", 62),
            ("SELECT throwIf(1)", 395),
            ("SELECT {x:UInt8}", 456),
        ],
    )
    def test_codes(self, http: Http, sql: str, expected: int) -> None:
        assert code(http.ask(sql)) == expected

    def test_unknown_database_and_setting(self, http: Http) -> None:
        assert code(http.ask("SELECT 1", database="nowhere")) == 81
        assert code(http.ask("SELECT 1", no_such_setting="1")) == 115

    def test_bad_row_rejects_the_whole_batch(self, client: Client, http: Http, table: str) -> None:
        answer = http.ask(
            b'{"n":1}\n{"n":"zwei"}\n',
            query=f"INSERT INTO {table} (n) FORMAT JSONEachRow",
            database="gridwhistle",
        )
        assert code(answer) in (27, 72)
        assert client.command(f"SELECT count() FROM {table}") == 0

    def test_a_field_without_a_column_is_not_dropped(
        self, client: Client, target, table: str
    ) -> None:
        with pytest.raises(DatabaseError) as caught:
            client.raw_insert(table, ["n"], b'{"n":1,"oops":2}\n', fmt="JSONEachRow")
        assert isinstance(classify_error(caught.value), StoreRejected)
        assert caught.value.code == 117

    def test_error_half_way_is_an_error(self, client: Client) -> None:
        sql = "SELECT throwIf(number = 2900000), toString(number) FROM numbers(3000000)"
        with (
            pytest.raises(DatabaseError, match=r"395|throwIf"),
            client.query_row_block_stream(sql, settings={"max_threads": 1}) as stream,
        ):
            for _ in stream:
                pass

    def test_time_limit(self, http: Http) -> None:
        sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
        assert code(http.ask(sql, max_execution_time="1")) == 159

    def test_memory_limit_is_unavailable(self, client: Client) -> None:
        sql = "SELECT groupArray(number) FROM numbers(50000000)"
        with pytest.raises(DatabaseError) as caught:
            client.query(sql, settings={"max_memory_usage": 20_000_000})
        reason = classify_error(caught.value)
        assert isinstance(reason, StoreUnavailable)
        assert reason.code == 241

    def test_too_many_parts_is_unavailable(self, client: Client) -> None:
        client.command(
            "CREATE TABLE IF NOT EXISTS crowded (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS "
            "parts_to_throw_insert = 1, parts_to_delay_insert = 1, max_delay_to_insert = 1"
        )
        client.command("SYSTEM STOP MERGES crowded")
        with pytest.raises(StoreUnavailable) as caught:
            for n in range(5):
                insert_columns(client, "crowded", ["n"], [[n]])
        assert caught.value.code == 252
        client.command("DROP TABLE crowded")


class TestUsers:
    @pytest.mark.parametrize(("user", "key"), [("default", "wrong"), ("nobody", ""), ("wall", "")])
    def test_wrong_password(self, http: Http, user: str, key: str) -> None:
        answer = http.ask("SELECT 1", user=user, key=key)
        assert code(answer) == 516
        assert answer.status in (401, 403)

    def test_wrong_password_is_unavailable(self, target) -> None:
        with pytest.raises(StoreUnavailable) as caught:
            connect(ClickHouseAddress(target.admin.url, target.admin.user, "wrong"))
        assert caught.value.code == 516

    def test_three_ways_to_sign_in(self, target, http: Http) -> None:
        who = {"user": target.wall.user, "password": target.wall.password}
        basic = urllib3.make_headers(basic_auth=f"{who['user']}:{who['password']}")
        url = f"{target.admin.url}/?{urllib.parse.urlencode(who)}"
        for answer in (
            http.pool.request("POST", url, body=b"SELECT 1"),
            http.pool.request("POST", target.admin.url, body=b"SELECT 1", headers=basic),
            http.ask("SELECT 1", user=who["user"], key=who["password"]),
        ):
            assert answer.data == b"1\n"

    @pytest.mark.parametrize(
        "sql",
        [
            "INSERT INTO {table} (n) VALUES (1)",
            "INSERT INTO {table} (n) SELECT 1",
            'INSERT INTO {table} (n) FORMAT JSONEachRow {{"n":1}}',
            "WITH 1 AS x INSERT INTO {table} (n) SELECT x",
            "DROP TABLE {table}",
            "TRUNCATE TABLE {table}",
            "ALTER TABLE {table} DELETE WHERE 1",
            "CREATE TABLE other (n UInt8) ENGINE = Memory",
            "OPTIMIZE TABLE {table}",
            "SELECT count() FROM url('http://127.0.0.1:1/', 'LineAsString')",
        ],
    )
    def test_the_wall_cannot_write(self, target, client: Client, table: str, sql: str) -> None:
        insert_columns(client, table, ["n"], [[5]])
        answer = Http(target.wall).ask(sql.format(table=table), database="gridwhistle")
        assert code(answer) in (62, 164, 497)
        assert client.query(f"SELECT n FROM {table}").result_rows == [(5,)]

    def test_the_wall_reads(self, target, client: Client, table: str) -> None:
        insert_columns(client, table, ["n"], [[5]])
        wall = connect(target.wall)
        assert wall.query(f"SELECT n FROM {table}").result_rows == [(5,)]
        assert wall.command(f"EXISTS TABLE {table}") == 1
        assert wall.query(f"DESCRIBE TABLE {table}").row_count == len(COLUMNS)
        assert wall.query("WITH 1 AS x SELECT x").result_rows == [(1,)]

    @pytest.mark.parametrize("limit", ["max_result_rows", "max_execution_time", "max_memory_usage"])
    def test_the_wall_cannot_raise_its_limits(self, target, limit: str) -> None:
        wall = Http(target.wall)
        tries = (
            wall.ask("SELECT 1", **{limit: "99999999999"}),
            wall.ask(f"SELECT 1 SETTINGS {limit} = 99999999999"),
            wall.ask(f"SET {limit} = 99999999999"),
            wall.ask("SELECT 1", session_id="s", **{limit: "99999999999"}),
            wall.ask("SET readonly = 0", session_id="s"),
        )
        assert [code(answer) for answer in tries] == [164] * 5

    def test_the_wall_has_limits(self, target) -> None:
        assert code(Http(target.wall).ask("SELECT number FROM numbers(200001)")) == 396

    def test_get_cannot_write(self, http: Http, client: Client, table: str) -> None:
        sql = f"INSERT INTO {table} (n) VALUES (1)"
        answer = http.ask(method="GET", query=sql, database="gridwhistle")
        assert code(answer) == 164
        assert client.command(f"SELECT count() FROM {table}") == 0


class TestSessions:
    def test_a_session_keeps_settings_database_and_temporary_tables(self, http: Http) -> None:
        session = {"session_id": uuid.uuid4().hex}
        http.ask("SET max_block_size = 4321", **session)
        http.ask("USE system", **session)
        http.ask("CREATE TEMPORARY TABLE mine (n UInt8)", **session)
        http.ask("INSERT INTO mine VALUES (1), (2)", **session)
        sql = "SELECT getSetting('max_block_size'), currentDatabase(), (SELECT sum(n) FROM mine)"
        assert http.ask(sql, **session).data == b"4321\tsystem\t3\n"
        assert http.ask("SELECT getSetting('max_block_size')").data != b"4321\n"

    def test_settings_in_the_url_do_not_stay_in_the_session(self, http: Http) -> None:
        session = {"session_id": uuid.uuid4().hex}
        ask = "SELECT getSetting('max_block_size')"
        http.ask("SET max_block_size = 4321", **session)
        assert http.ask(ask, max_block_size="99", **session).data == b"99\n"
        assert http.ask(ask, **session).data == b"4321\n"

    def test_a_session_that_must_exist(self, http: Http) -> None:
        unknown = uuid.uuid4().hex
        assert code(http.ask("SELECT 1", session_id=unknown, session_check="1")) == 372

    def test_one_statement_at_a_time(self, http: Http) -> None:
        session = {"session_id": uuid.uuid4().hex}
        sql = "SELECT number, toString(number), randomString(100) FROM numbers(3000000)"
        slow = http.ask(sql, stream=True, **session)
        slow.read(1000)
        assert code(Http(http.address).ask("SELECT 1", **session)) == 373
        slow.close()

    def test_the_client_with_its_own_session(self, target) -> None:
        from clickhouse_connect import get_client

        parts = urllib.parse.urlsplit(target.admin.url)
        client = get_client(
            host=parts.hostname,
            port=parts.port,
            username=target.admin.user,
            password=target.admin.password,
            autogenerate_session_id=True,
        )
        client.command("CREATE TEMPORARY TABLE mine (n UInt8)")
        client.insert("mine", [[1], [2]], ["n"])
        assert client.command("SELECT sum(n) FROM mine") == 3
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
