"""The one place that makes ClickHouse clients, inserts big batches, and says what went wrong."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import clickhouse_connect
from clickhouse_connect.driver import options as client_options
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3.exceptions import HTTPError

# We hand over lists. To see that they are no DataFrame the client would load pandas and pyarrow,
# which are installed for chDB: 1.7 s and 100 MB in every process.
for absent in ("pd", "pd_time_test", "arrow", "pl"):
    setattr(client_options, absent, None)

# Set on every connection: the engine's own defaults of these lose data in silence, or did so in
# one version or another. The embedded store starts every statement with the same ones.
ENGINE_SETTINGS: Final[Mapping[str, int]] = {
    "async_insert":                     0,  # 1 since 26: the answer comes before the part
    "wait_for_async_insert":            1,
    "insert_deduplicate":               1,  # a block sent again counts once
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialized_views_ignore_errors": 0,  # 1 hides rows that are missing from a view
    "input_format_skip_unknown_fields": 0,  # 1 drops fields the table has no column for
    "input_format_null_as_default":     0,  # 1 turns a missing value into 0
}  # fmt: skip

# ClickHouse's codes that go away by waiting, or by an operator's hand: never a reason to drop data.
UNAVAILABLE: Final[Mapping[int, str]] = {
    60:  "table missing: migrations have not run yet",
    74:  "cannot read a file",
    75:  "cannot write a file",
    76:  "cannot open a file",
    81:  "database missing: migrations have not run yet",
    159: "took longer than max_execution_time",
    164: "read-only",
    192: "unknown user",
    193: "wrong password",
    194: "password required",
    202: "too many simultaneous queries",
    209: "socket timeout",
    210: "network error",
    225: "no keeper",
    236: "the server is stopping",
    241: "memory limit",
    242: "table is read-only",
    243: "disk full",
    252: "too many parts",
    279: "no replica answers",
    285: "too few replicas alive",
    319: "outcome of the insert unknown",
    373: "session in use",
    394: "cancelled",
    425: "system error",
    439: "no thread free",
    497: "access denied",
    516: "wrong password or unknown user",
    999: "keeper error",
}  # fmt: skip
PROXY_STATUS: Final = re.compile(r"HTTP status (429|5\d\d)")

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 120
LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class ClickHouseAddress:
    """Where the store is: `url` as http(s)://host:port, optionally with a proxy's path."""

    url: str
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "gridwhistle"


class StoreError(Exception):
    """The store did not do what it was asked to. `code` is ClickHouse's, None without one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(StoreError):
    """Wait and try again, for as long as it takes; never skip, never acknowledge."""


class StoreRejected(StoreError):
    """A bug or bad data: trying again changes nothing."""


def classify_error(error: BaseException) -> StoreError:
    """What an exception from a client means. Raise the result `from` the exception."""
    if isinstance(error, StoreError):
        return error
    text = str(error) or type(error).__name__
    code = getattr(error, "code", None) if isinstance(error, DatabaseError) else None
    if code in UNAVAILABLE:
        return StoreUnavailable(text, code)
    if code is not None:
        return StoreRejected(text, code)
    if isinstance(error, (OperationalError, HTTPError, OSError, asyncio.TimeoutError)):
        return StoreUnavailable(text)
    if isinstance(error, DatabaseError) and PROXY_STATUS.search(text):
        return StoreUnavailable(text)
    if type(error).__module__.startswith("aiohttp."):
        return StoreUnavailable(text)
    return StoreRejected(f"{type(error).__name__}: {text}")


def _options(address: ClickHouseAddress, answer_seconds: int) -> dict[str, Any]:
    parts = urlsplit(address.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreRejected(f"not an http(s) address: {address.url}")
    return {
        "interface": parts.scheme,
        "host": parts.hostname,
        "port": parts.port or (8443 if parts.scheme == "https" else 8123),
        "proxy_path": parts.path.strip("/"),
        "username": address.user,
        "password": address.password,
        "settings": dict(ENGINE_SETTINGS),
        "compress": "lz4",
        "autogenerate_session_id": False,  # one session serves one statement at a time
        "tz_mode": "aware",
        "connect_timeout": CONNECT_SECONDS,
        "send_receive_timeout": answer_seconds,
        "client_name": "gridwhistle",
    }


def connect(address: ClickHouseAddress, answer_seconds: int = ANSWER_SECONDS) -> Client:
    """A client that several threads may share; datetimes it returns know their zone.

    The database need not exist yet. Raises StoreUnavailable, StoreRejected.
    """
    options = _options(address, answer_seconds)
    if options["host"] in LOOPBACK:
        options["pool_mgr"] = get_pool_manager()  # a proxy of the environment is not for loopback
    try:
        client = clickhouse_connect.get_client(**options)
    except Exception as error:
        raise classify_error(error) from error
    client.database = address.database
    return client


async def connect_async(
    address: ClickHouseAddress, answer_seconds: int = ANSWER_SECONDS
) -> AsyncClient:
    """The same as `connect` for asyncio. Close it with `await client.close()`."""
    try:
        client = await clickhouse_connect.get_async_client(**_options(address, answer_seconds))
    except Exception as error:
        raise classify_error(error) from error
    client.database = address.database
    return client


_column_types: WeakKeyDictionary[Client, dict[tuple[str, ...], Sequence[Any]]] = WeakKeyDictionary()


def insert_columns(
    client: Client,
    table: str,
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Insert whole columns and return the rows the server says it wrote (views included).

    Values as plain lists: DateTime64(3) as int milliseconds, DateTime as int seconds, UUID as
    uuid.UUID or str. Native with LZ4 is the fastest sound way: 20,000 rows × 17 columns take
    20 ms of our time (JSONEachRow 450 ms); JSONColumns is as fast but reads the integers of a
    DateTime64 as seconds. The table is described once for each client.

    Raises StoreUnavailable, StoreRejected.
    """
    known = _column_types.setdefault(client, {})
    key = (client.database or "", table, *names)
    try:
        types = known.get(key)
        if types is None:
            context = client.create_insert_context(table, list(names), column_oriented=True)
            types = known[key] = context.column_types
        summary = client.insert(
            table,
            columns,
            names,
            column_types=types,
            column_oriented=True,
            settings=dict(settings) if settings else None,
        )
    except Exception as error:
        known.pop(key, None)  # the table may have changed
        raise classify_error(error) from error
    return int(summary.written_rows)
