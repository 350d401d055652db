"""Numbered files, applied once, checked by hash."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import StoreRejected, connect
from ops.migrate import (
    MigrationRefused,
    applied,
    migrate,
    pending,
    read_migrations,
    split_statements,
)

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "sql" / "migrations" / "0000_schema_migrations.sql"
COUNT = itertools.count()

ONE = """-- What it holds; n: pieces.
CREATE TABLE IF NOT EXISTS one (n UInt8, s String DEFAULT 'a;
b') ENGINE = MergeTree ORDER BY n;  -- the semicolon in the text is no end

/* second; */
CREATE TABLE IF NOT EXISTS two (n UInt8) ENGINE = MergeTree ORDER BY n;
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / TABLE.name).write_text(TABLE.read_text())
    (tmp_path / "0001_one.sql").write_text(ONE)
    return tmp_path


@pytest.fixture
def client(target) -> Iterator[Client]:
    """A client of a database that does not exist yet."""
    name = f"migrate_{next(COUNT)}"
    client = connect(replace(target.admin, database=name))
    client.command(f"DROP DATABASE IF EXISTS {name}", use_database=False)
    yield client
    client.command(f"DROP DATABASE IF EXISTS {name}", use_database=False)


def test_split_keeps_comments_and_texts_together() -> None:
    first, second = split_statements(ONE)
    assert first.startswith("-- What it holds; n: pieces.\nCREATE TABLE IF NOT EXISTS one")
    assert first.endswith("ORDER BY n")
    assert "'a;\nb'" in first
    assert second.endswith("two (n UInt8) ENGINE = MergeTree ORDER BY n")
    assert split_statements("-- nothing\n;\n") == ()
    assert split_statements("SELECT 1;\nSELECT 2") == ("SELECT 1", "SELECT 2")


def test_from_nothing_and_again(client: Client, files: Path) -> None:
    assert [m.version for m in pending(client, files)] == [0, 1]
    assert [(a.version, a.name, a.statements) for a in migrate(client, files)] == [
        (0, "schema_migrations", 1),
        (1, "one", 2),
    ]
    assert migrate(client, files) == []
    assert pending(client, files) == []
    assert client.command("SELECT count() FROM system.tables WHERE name = 'two'") >= 1
    assert [a.sha256 for a in applied(client)] == [m.sha256 for m in read_migrations(files)]


def test_a_later_file_is_applied_alone(client: Client, files: Path) -> None:
    migrate(client, files)
    (files / "0002_more.sql").write_text("ALTER TABLE two ADD COLUMN IF NOT EXISTS m UInt8;\n")
    assert [a.version for a in migrate(client, files)] == [2]


def test_a_changed_file_is_refused_with_both_hashes(client: Client, files: Path) -> None:
    migrate(client, files)
    before = read_migrations(files)[1].sha256
    (files / "0001_one.sql").write_text(ONE.replace("pieces", "things"))
    after = read_migrations(files)[1].sha256
    (files / "0002_more.sql").write_text("CREATE TABLE three (n UInt8) ENGINE = Memory;")
    with pytest.raises(MigrationRefused) as caught:
        migrate(client, files)
    for part in ("0001_one.sql", before, after):
        assert part in str(caught.value)
    assert client.command("EXISTS TABLE three") == 0


def test_line_ends_do_not_count_as_a_change(client: Client, files: Path) -> None:
    migrate(client, files)
    (files / "0001_one.sql").write_bytes(ONE.replace("\n", "\r\n").encode())
    assert migrate(client, files) == []


def test_a_newer_database_is_refused(client: Client, files: Path) -> None:
    (files / "0002_more.sql").write_text("CREATE TABLE IF NOT EXISTS x (n UInt8) ENGINE = Memory;")
    migrate(client, files)
    (files / "0002_more.sql").unlink()
    with pytest.raises(MigrationRefused, match="newer version"):
        migrate(client, files)


def test_a_failed_statement_is_named_and_the_next_run_goes_on(client: Client, files: Path) -> None:
    more = files / "0002_more.sql"
    good = "CREATE TABLE IF NOT EXISTS three (n UInt8) ENGINE = MergeTree ORDER BY n;\n"
    more.write_text(good + "CREATE TABLE four (n Nonsense) ENGINE = Memory;\n")
    with pytest.raises(StoreRejected, match=r"0002_more\.sql, statement 2"):
        migrate(client, files)
    assert [a.version for a in applied(client)] == [0, 1]
    more.write_text(good)
    assert [a.version for a in migrate(client, files)] == [2]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("0003_gap.sql", "SELECT 1;", "0002 is missing"),
        ("0001_twice.sql", "SELECT 1;", "used twice"),
        ("2_short.sql", "SELECT 1;", "NNNN_name.sql"),
        ("0002_Upper.sql", "SELECT 1;", "NNNN_name.sql"),
        ("0002_empty.sql", "-- nothing to do\n", "holds no statement"),
    ],
)
def test_bad_files_are_refused_by_name(files: Path, name: str, text: str, reason: str) -> None:
    (files / name).write_text(text)
    with pytest.raises(MigrationRefused, match=name[:6]) as caught:
        read_migrations(files)
    assert reason in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationRefused):
        read_migrations(tmp_path)


def test_the_roles_of_production_take_their_passwords_as_parameters() -> None:
    text = (ROOT / "sql" / "roles" / "production.sql").read_text()
    statements = split_statements(text)
    for user in ("writer", "wall", "reports"):
        assert any(f"BY {{{user}_password:String}}" in statement for statement in statements)
    assert all("\n;" not in statement for statement in statements)
