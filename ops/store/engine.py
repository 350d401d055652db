"""chDB: one engine for the process, a throw-away handle for every request.

Opening a handle costs 0.07 ms, so nothing one request sets (settings, database, `readonly`, which
cannot be taken back) ever reaches the next. Handles work in parallel; one handle does not.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from connectors.clickhouse import ENGINE_SETTINGS
from ops.store.access import Role
from ops.store.body import Body, no_room
from ops.store.directory import CannotStart, Directory
from ops.store.failure import failure, from_engine
from ops.store.statement import HEAD_BYTES, Statement

# Formats whose blocks may simply be put one after the other. Any other format is built whole in
# memory, so its size is limited.
BLOCKWISE = {
    "Native",
    "TabSeparated",
    "TSV",
    "TabSeparatedRaw",
    "TSVRaw",
    "CSV",
    "RowBinary",
    "JSONEachRow",
    "JSONCompactEachRow",
    "LineAsString",
    "Null",
}
WHOLE_RESULT_BYTES = 256 << 20
BEGIN_SETTINGS = {**ENGINE_SETTINGS, "session_timezone": "UTC"}


@dataclass(frozen=True)
class Ask:
    """What a request carries beside its SQL."""

    role: Role
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    default_format: str = "TabSeparated"
    query_id: str = ""
    reads_only: bool = False  # asked for with GET, or with readonly in the URL


@dataclass
class Counts:
    """What X-ClickHouse-Summary reports."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0


def quote(value: object) -> str:
    """A ClickHouse string literal."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def set_statement(settings: Mapping[str, object]) -> str:
    """SET of these settings; the names are checked already."""
    return "SET " + ", ".join(f"{name} = {quote(value)}" for name, value in settings.items())


class Engine:
    """The open data directory. Raises CannotStart when chDB cannot open it."""

    def __init__(self, directory: Directory) -> None:
        os.environ["TZ"] = "UTC"  # the engine's zone is the process's
        time.tzset()
        self.directory = directory
        try:
            self._keep = chdb.connect(str(directory.engine))  # one handle keeps the engine open
            self.version = self._ask_one("SELECT version()")
            self._keep.query("CREATE DATABASE IF NOT EXISTS default", "Null")
        except Exception as error:
            raise CannotStart(
                f"打不开数据目录 {directory.root} / chDB cannot open the data directory: "
                f"{from_engine(error).text}"
            ) from error

    def _ask_one(self, sql: str) -> str:
        answer: bytes = self._keep.query(sql, "TabSeparatedRaw").bytes()
        return answer.decode().strip()

    def open(self, role: Role, database: str | None = None, query_id: str = "") -> Any:
        """A handle with the role's settings and limits. `readonly` is on when the role has it.
        `query_id` is what `kill` finds its statements by."""
        handle = chdb.connect(str(self.directory.engine))
        try:
            begin = {**BEGIN_SETTINGS, **role.settings, "log_comment": query_id}
            handle.query(set_statement(begin), "Null")
            if database:
                use(handle, database)
            if role.readonly:
                handle.query("SET readonly = 1", "Null")
        except BaseException:
            handle.close()
            raise
        return handle

    def kill(self, query_id: str) -> None:
        """Cancel a running statement of this request; its caller gets 394."""
        self._kill(f"Settings['log_comment'] = {quote(query_id)}")

    def kill_reads(self) -> None:
        """Cancel every running SELECT; inserts go on."""
        self._kill("query_kind = 'Select'")

    def _kill(self, condition: str) -> None:
        handle = chdb.connect(str(self.directory.engine))
        try:
            handle.query(
                f"KILL QUERY WHERE {condition} AND query NOT LIKE '%system.processes%' ASYNC",
                "Null",
            )
        finally:
            handle.close()

    def close(self) -> None:
        self._keep.close()
        self.directory.release()


def use(handle: Any, database: str) -> None:
    handle.query("USE `" + database.replace("\\", "\\\\").replace("`", "\\`") + "`", "Null")


def check_allowed(handle: Any, statement: Statement, ask: Ask) -> bool:
    """Whether the statement only reads. Raises StoreFailure: 62 several statements in one,
    164 something else than reading by a role, or a method, that may only read."""
    sql = statement.head.decode(errors="surrogateescape")
    kind = handle._conn.classify_query(sql.encode("utf-8", "replace").decode(), "")
    if kind["statement_count"] > 1:
        raise failure(62, "Multi-statements are not allowed")
    inserts = statement.verb == "INSERT"  # its head alone does not parse
    reads = kind["query_class"].name == "READ_ONLY" and not inserts
    unparsed = kind["query_class"].name == "UNKNOWN" and not inserts  # the engine will say why
    harmless = statement.verb in ("USE", "SET") and not ask.role.readonly
    if (ask.role.readonly or ask.reads_only) and not (reads or unparsed or harmless):
        raise failure(164, f"{ask.role.name}: Cannot execute query in readonly mode.")
    return bool(reads)


def read(handle: Any, statement: Statement, ask: Ask, fmt: str, counts: Counts) -> Iterator[bytes]:
    """The result of a SELECT block by block. Formats with a header or footer come whole."""
    if fmt not in BLOCKWISE:
        yield from run(handle, statement, ask, fmt, counts)
        return
    with handle.send_query(statement.head, fmt, params=dict(ask.params)) as stream:
        for block in stream:
            counts.result_rows += block.rows_read()
            counts.read_rows += block.storage_rows_read()
            data = block.bytes()
            counts.result_bytes += len(data)
            yield data


def run(handle: Any, statement: Statement, ask: Ask, fmt: str, counts: Counts) -> Iterator[bytes]:
    """Any statement without data of its own, its result in one piece."""
    result = handle.query(statement.head, fmt, params=dict(ask.params))
    data = result.bytes() or b""
    counts.result_rows = result.rows_read()
    counts.result_bytes = len(data)
    counts.read_rows = result.storage_rows_read()
    counts.read_bytes = result.storage_bytes_read()
    counts.written_rows = result.rows_written()
    counts.written_bytes = result.bytes_written()
    yield data


def insert(
    handle: Any, statement: Statement, ask: Ask, body: Body, engine: Engine, counts: Counts
) -> None:
    """INSERT with data. Up to ~1 million rows (max_insert_block_size) arrive whole or not at
    all, as in ClickHouse.

    The data goes through a file: chDB's streaming insert answers OK when a table refuses the
    block (too many parts, 252), and data inline after FORMAT is cut at the first odd byte.
    """
    assert statement.data_at is not None
    if statement.format == "Values" and body.size <= HEAD_BYTES:
        sql = statement.head + b" VALUES " + body.rest(statement.data_at)
        _execute(handle, sql, ask, counts)
        return
    file = engine.directory.spill / f"{uuid.uuid4().hex}.in"
    try:
        body.copy_to(file, statement.data_at)
        if statement.input_at is not None:
            handle.query("SET max_threads = 1", "Null")
        _execute(handle, _from_file(statement, file), ask, counts)
    except OSError as error:
        raise no_room(error) from error
    finally:
        file.unlink(missing_ok=True)
        if statement.input_at is not None:
            handle.query("SET max_threads = DEFAULT", "Null")


def _from_file(statement: Statement, file: Path) -> bytes:
    """The INSERT with its data in a file. For INSERT … SELECT … FROM input('structure') chDB
    would insert nothing and say OK, so input() becomes file(), read by one thread to keep the
    blocks, and with them deduplication, the same on every attempt."""
    assert statement.format is not None
    path, fmt = quote(file).encode(), statement.format.encode()
    head = statement.head
    if statement.input_at is None:
        at = len(head) if statement.settings_at is None else statement.settings_at
        infile = b" FROM INFILE " + path + b" COMPRESSION 'none' "
        return head[:at] + infile + head[at:] + b" FORMAT " + fmt
    start, end, structure = statement.input_at
    source = b"file(" + path + b", " + quote(statement.format).encode() + b", " + structure + b")"
    return head[:start] + source + head[end:]


def _execute(handle: Any, sql: bytes, ask: Ask, counts: Counts) -> None:
    for _ in run(handle, Statement("INSERT", sql), ask, "Null", counts):
        pass
