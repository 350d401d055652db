"""Errors, users and sessions: the same in the embedded store and a real ClickHouse."""

from __future__ import annotations

import urllib.parse
import uuid

import pytest
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.clickhouse import (
    ClickHouseAddress,
    StoreRejected,
    StoreUnavailable,
    classify_error,
    connect,
    insert_columns,
)
from tests.store.conftest import COLUMNS, Http, code


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
