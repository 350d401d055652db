"""Reading a request's SQL."""

import pytest

from ops.store.failure import StoreFailure
from ops.store.statement import read_statement


@pytest.mark.parametrize(
    ("sql", "verb", "fmt"),
    [
        (b"select 1", "SELECT", None),
        (b"-- x FORMAT CSV\n/* y */ SELECT 'FORMAT JSON' FORMAT Native", "SELECT", "Native"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1;", "SELECT", "JSON"),
        (b"(SELECT 1) UNION ALL (SELECT 2) format\nTSV", "SELECT", "TSV"),
        (b"SELECT * FROM (SELECT 1 AS FORMAT, 2)", "SELECT", None),
        (b"with x as (select 1) select * from x", "WITH", None),
        (b"INSERT INTO t SELECT 1", "INSERT", None),
        (b"SHOW TABLES", "SHOW", None),
    ],
)
def test_verb_and_output_format(sql: bytes, verb: str, fmt: str | None) -> None:
    statement = read_statement(sql)
    assert (statement.verb, statement.format, statement.data_at) == (verb, fmt, None)


@pytest.mark.parametrize(
    ("head", "mark", "fmt", "data"),
    [
        (b"INSERT INTO t", b" FORMAT Native\n", "Native", b"\n\x00\x01"),
        (b"insert into t (a, `format`)", b" format CSV \r\n", "CSV", b"1,2"),
        (b"INSERT INTO t (a)", b" VALUES", "Values", b" (1),(2)"),
        (b"INSERT INTO t SETTINGS a='FORMAT x'", b" FORMAT TSV\n", "TSV", b"1"),
        (b"INSERT INTO FUNCTION null('x Int8')", b" FORMAT TSV\n", "TSV", b"1"),
    ],
)
def test_where_the_data_of_an_insert_begins(
    head: bytes, mark: bytes, fmt: str, data: bytes
) -> None:
    sql = head + mark + data
    statement = read_statement(sql)
    assert statement.data_at is not None
    assert (statement.head, statement.format, sql[statement.data_at :]) == (head, fmt, data)


def test_input_is_found_with_its_structure() -> None:
    sql = b"INSERT INTO t SELECT a FROM input('a UInt8, b String') WHERE a > 1 FORMAT Native\n"
    statement = read_statement(sql)
    assert statement.input_at is not None
    start, end, structure = statement.input_at
    assert sql[start:end] == b"input('a UInt8, b String')"
    assert structure == b"'a UInt8, b String'"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"", 62),
        (b"   -- only a comment", 62),
        (b"\xff\xfe\x00", 62),
        (b"SELECT * FROM file('/etc/passwd')", 497),
        (b"SELECT `file`('x')", 497),
        (b"SELECT \"FILE\" /* c */ ('x')", 497),
        (b"SELECT * FROM python('x')", 497),
        (b"SELECT 1 INTO OUTFILE '/tmp/x'", 497),
        (b"INSERT INTO t FROM INFILE '/tmp/x' FORMAT CSV", 497),
        (b"CREATE TABLE t (a Int8) ENGINE = File(CSV)", 497),
        (b"SYSTEM SHUTDOWN", 497),
        (b"INSERT INTO t SELECT 1 FORMAT CSV\n1", 48),
    ],
)
def test_refused(sql: bytes, code: int) -> None:
    with pytest.raises(StoreFailure) as caught:
        read_statement(sql)
    assert caught.value.code == code
