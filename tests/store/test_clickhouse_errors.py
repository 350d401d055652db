"""What an exception of a client means: wait, or give up."""

from __future__ import annotations

import socket

import aiohttp
import pytest
import urllib3
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
    StreamFailureError,
)

from connectors.clickhouse import (
    UNAVAILABLE,
    ClickHouseAddress,
    StoreRejected,
    StoreUnavailable,
    classify_error,
    connect,
)
from ops.store.access import ROLES
from ops.store.failure import failure, from_engine


@pytest.mark.parametrize("code", sorted(UNAVAILABLE))
def test_codes_to_wait_for(code: int) -> None:
    reason = classify_error(DatabaseError(f"Code: {code}", code=code))
    assert isinstance(reason, StoreUnavailable)
    assert reason.code == code


@pytest.mark.parametrize("code", [6, 27, 36, 47, 53, 62, 117, 395])
def test_codes_to_give_up_on(code: int) -> None:
    assert isinstance(classify_error(DatabaseError("x", code=code)), StoreRejected)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OperationalError("connection refused"), StoreUnavailable),
        (StreamFailureError("closed"), StoreUnavailable),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), StoreUnavailable),  # type: ignore[arg-type]
        (aiohttp.ClientPayloadError("cut"), StoreUnavailable),
        (ConnectionResetError(), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (DatabaseError("HTTP driver received HTTP status 502"), StoreUnavailable),
        (DatabaseError("HTTP driver received HTTP status 404"), StoreRejected),
        (OperationalError("x", code=62), StoreRejected),
        (ProgrammingError("no such column"), StoreRejected),
        (DataError("too large"), StoreRejected),
        (ValueError("not a number"), StoreRejected),
        (KeyError("bug"), StoreRejected),
    ],
)
def test_without_a_code(error: Exception, kind: type) -> None:
    reason = classify_error(error)
    assert type(reason) is kind
    assert classify_error(reason) is reason


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(StoreUnavailable):
        connect(ClickHouseAddress(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("url", ["", "localhost:8123", "tcp://localhost:9000", "http://"])
def test_bad_addresses(url: str) -> None:
    with pytest.raises(StoreRejected):
        connect(ClickHouseAddress(url))


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(ClickHouseAddress("http://x:1", "default", "secret"))


def test_a_full_disk_is_243_whatever_the_engine_calls_it() -> None:
    text = "Code: 75. DB::Exception: Cannot write to file: errno: 28, strerror: No space left"
    assert from_engine(RuntimeError(text)).code == 243
    assert (
        from_engine(RuntimeError("Streaming query failed: Code: 60. DB::Exception: x")).code == 60
    )
    assert from_engine(RuntimeError("what")).code == 1002
    assert (failure(243, "x").status, failure(516, "x").status) == (507, 403)


def test_read_only_roles_have_every_limit() -> None:
    limits = {"max_execution_time", "max_memory_usage", "max_result_rows", "max_result_bytes"}
    for role in ROLES.values():
        assert not role.readonly or limits <= set(role.settings)
    assert [role.name for role in ROLES.values() if role.readonly] == ["wall", "reports"]
