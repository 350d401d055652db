"""Numbered .sql files, each applied once, checked by hash ever after."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error, insert_columns
from ops.store.statement import tokens

FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
TABLE = "schema_migrations"
UNKNOWN_TABLE, UNKNOWN_DATABASE = 60, 81


class MigrationRefused(ValueError):
    """The files, or the database, are not what they should be; nothing was changed. The message
    is for the operator, in Chinese and English."""


@dataclass(frozen=True)
class Migration:
    """One file: `version` from its name, `sha256` of its text with \\n line ends."""

    version: int
    name: str
    file: str
    sha256: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Applied:
    """A migration the database has seen."""

    version: int
    name: str
    sha256: str
    statements: int


def split_statements(sql: str) -> tuple[str, ...]:
    """Statements that end with a semicolon at a line's end, or with the file; comments stay with
    the statement they precede. Semicolons in strings and comments do not count."""
    raw = sql.encode()
    statements, start, something = [], 0, False
    for token in tokens(raw):
        if token.raw != b";":
            something = True
            continue
        rest = raw[token.end :].split(b"\n", 1)[0].strip()
        if something and (not rest or rest.startswith(b"--")):
            statements.append(raw[start : token.start].decode().strip())
            start, something = token.end, False
    if something:
        statements.append(raw[start:].decode().strip())
    return tuple(statements)


def read_migrations(directory: Path) -> list[Migration]:
    """The files in order. Raises MigrationRefused: a name that is not NNNN_name.sql, a gap, a
    number twice, a file without a statement."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if not match:
            raise MigrationRefused(
                f"{path.name}：文件名应为 NNNN_name.sql / the name should be NNNN_name.sql"
            )
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        statements = split_statements(text)
        if not statements:
            raise MigrationRefused(f"{path.name}：没有语句 / holds no statement")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(int(match[1]), match[2], path.name, digest, statements))
    for expected, migration in enumerate(found):
        if migration.version < expected:
            raise MigrationRefused(f"{migration.file}：编号重复 / the number is used twice")
        if migration.version > expected:
            raise MigrationRefused(
                f"{migration.file}：前面缺少 {expected:04d} / {expected:04d} is missing before it"
            )
    if not found:
        raise MigrationRefused(f"{directory}：没有迁移文件 / no migration files")
    return found


def applied(client: Client) -> list[Applied]:
    """What the database has seen, in order; nothing when it is new. Raises StoreUnavailable,
    StoreRejected."""
    sql = f"SELECT version, name, sha256, statements FROM {TABLE} FINAL ORDER BY version"
    try:
        rows = client.query(sql).result_rows
    except Exception as error:
        reason = classify_error(error)
        if reason.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
            return []
        raise reason from error
    return [Applied(*row) for row in rows]


def pending(client: Client, directory: Path) -> list[Migration]:
    """Files the database has not seen. Raises MigrationRefused: an applied file has changed, or
    the database is newer than the files; StoreUnavailable, StoreRejected."""
    files = read_migrations(directory)
    seen = applied(client)
    for done in seen:
        if done.version >= len(files):
            raise MigrationRefused(
                f"数据库来自更新的版本：已有 {done.version:04d}_{done.name}，"
                f"本版本只到 {files[-1].version:04d} / the data directory is from a newer version"
            )
        file = files[done.version]
        if file.sha256 != done.sha256:
            raise MigrationRefused(
                f"{file.file} 在应用之后被改过 / was changed after it had been applied: "
                f"file {file.sha256}, database {done.sha256}"
            )
    known = {done.version for done in seen}
    return [file for file in files if file.version not in known]


def migrate(client: Client, directory: Path) -> list[Applied]:
    """Apply what is pending and return it. The client's database is created when missing.

    A file is recorded after its last statement. When a statement fails, the next run repeats the
    file from its start, so statements say IF NOT EXISTS. Raises as `pending` does.
    """
    read_migrations(directory)  # refuse bad files before anything is created
    if client.database:
        _run(client, f"CREATE DATABASE IF NOT EXISTS `{client.database}`", "database", False)
    done = []
    for migration in pending(client, directory):
        for number, statement in enumerate(migration.statements, 1):
            _run(client, statement, f"{migration.file}, statement {number}")
        done.append(_record(client, migration))
    return done


def apply_roles(client: Client, file: Path, passwords: Mapping[str, str]) -> int:
    """Run a file of roles and users and return its number of statements. `passwords` by
    parameter name. For real ClickHouse servers: the embedded store has its users built in."""
    statements = split_statements(file.read_text(encoding="utf-8"))
    for number, statement in enumerate(statements, 1):
        chosen = {n: value for n, value in passwords.items() if f"{{{n}:String}}" in statement}
        _run(client, statement, f"{file.name}, statement {number}", False, chosen)
    return len(statements)


def _record(client: Client, migration: Migration) -> Applied:
    count = len(migration.statements)
    columns: dict[str, list[object]] = {
        "version": [migration.version],
        "name": [migration.name],
        "sha256": [migration.sha256],
        "applied_at": [time.time_ns() // 1_000_000],
        "statements": [count],
    }
    insert_columns(client, TABLE, list(columns), list(columns.values()))
    return Applied(migration.version, migration.name, migration.sha256, count)


def _run(
    client: Client,
    sql: str,
    where: str,
    use_database: bool = True,
    parameters: Mapping[str, str] | None = None,
) -> None:
    try:
        chosen = dict(parameters) if parameters else None
        client.command(sql, parameters=chosen, use_database=use_database)
    except Exception as error:
        reason = classify_error(error)
        raise type(reason)(f"{where}: {reason}", reason.code) from error
