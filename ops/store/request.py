"""An HTTP request as ClickHouse understands it: SQL, parameters, settings, session."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from ops.store.access import Role
from ops.store.engine import Ask
from ops.store.failure import failure
from ops.store.sessions import DEFAULT_TIMEOUT, LONGEST_TIMEOUT

# Arguments of the interface itself; every other one is a setting of the engine.
INTERFACE = {
    "query", "database", "default_format", "user", "password", "query_id", "quota_key", "role",
    "session_id", "session_timeout", "session_check", "wait_end_of_query",
    "buffer_size", "client_protocol_version", "compress", "decompress", "enable_http_compression",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms", "add_http_cors_header",
    "cancel_http_readonly_queries_on_client_close", "stacktrace", "readonly",
}  # fmt: skip
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TRUE = {"1", "true"}


@dataclass(frozen=True)
class Request:
    """What to run for whom; `sql` is the part of the statement that came in the URL or a form."""

    ask: Ask
    sql: str
    session_id: str | None
    session_timeout: float
    session_check: bool
    packs: str  # the Accept-Encoding to honour, "" when the answer is to stay plain


def read_request(
    method: str, arguments: Mapping[str, str], headers: Mapping[str, str], role: Role
) -> Request:
    """Raises StoreFailure: 48 something the embedded store does not do, 36 a bad argument."""
    for name in ("compress", "decompress"):
        if arguments.get(name, "0").lower() in TRUE:
            raise failure(48, f"{name}=1 (ClickHouse's own framing): use Content-Encoding")
    settings, params = {}, {}
    for name, value in arguments.items():
        if name.startswith("param_"):
            params[name[6:]] = value
        elif name not in INTERFACE:
            if not SETTING.fullmatch(name):
                raise failure(36, "A name in the URL is neither an argument nor a setting")
            settings[name] = value
    try:
        timeout = float(arguments.get("session_timeout") or DEFAULT_TIMEOUT)
    except ValueError as error:
        raise failure(36, "session_timeout is not a number") from error
    readonly = arguments.get("readonly", "0").lower() not in ("0", "false", "")
    ask = Ask(
        role=role,
        database=arguments.get("database") or headers.get("X-ClickHouse-Database") or None,
        settings=settings,
        params=params,
        default_format=arguments.get("default_format")
        or headers.get("X-ClickHouse-Format")
        or "TabSeparated",
        query_id=arguments.get("query_id") or str(uuid.uuid4()),
        reads_only=method == "GET" or readonly,
    )
    packed = arguments.get("enable_http_compression", "0").lower() in TRUE
    return Request(
        ask=ask,
        sql=arguments.get("query", ""),
        session_id=arguments.get("session_id") or None,
        session_timeout=min(max(timeout, 1.0), LONGEST_TIMEOUT),
        session_check=arguments.get("session_check", "0").lower() in TRUE,
        packs=headers.get("Accept-Encoding", "") if packed else "",
    )
