"""Sessions: a handle that outlives a request, so SET, USE and temporary tables last."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ops.store.engine import Ask, Engine, quote, set_statement, use
from ops.store.failure import failure

DEFAULT_TIMEOUT = 60.0  # seconds idle, as in ClickHouse
LONGEST_TIMEOUT = 3600.0
MOST_SESSIONS = 200


@dataclass
class Session:
    handle: Any
    timeout: float
    last_used: float
    busy: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """Sessions by user and id. Thread-safe; a session serves one request at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[tuple[str, str], Session] = {}
        self._lock = threading.Lock()

    @contextmanager
    def handle(self, ask: Ask, session_id: str, timeout: float, must_exist: bool) -> Iterator[Any]:
        """The session's handle with the request's settings for as long as the request lasts.

        Raises StoreFailure: 372 must exist and does not, 373 in use, 202 too many sessions.
        """
        session = self._take(ask, session_id, timeout, must_exist)
        try:
            if ask.database:
                use(session.handle, ask.database)
            before = _values(session.handle, ask.settings)
            try:
                if ask.settings:
                    session.handle.query(set_statement(ask.settings), "Null")
                yield session.handle
            finally:
                for name, value in before.items():
                    session.handle.query(f"SET {name} = {value}", "Null")
        finally:
            session.last_used = time.monotonic()
            session.busy.release()

    def _take(self, ask: Ask, session_id: str, timeout: float, must_exist: bool) -> Session:
        key = (ask.role.name, session_id)
        with self._lock:
            self._drop_idle()
            session = self._sessions.get(key)
            if session is None:
                if must_exist:
                    raise failure(372, "Session not found")
                if len(self._sessions) >= MOST_SESSIONS:
                    raise failure(202, f"Too many sessions (the limit is {MOST_SESSIONS})")
                handle = self._engine.open(ask.role)
                session = self._sessions[key] = Session(handle, timeout, time.monotonic())
            session.timeout = timeout
            if not session.busy.acquire(blocking=False):
                raise failure(373, "Session is locked by a concurrent client.")
            return session

    def _drop_idle(self) -> None:
        now = time.monotonic()
        for key, session in list(self._sessions.items()):
            if now - session.last_used > session.timeout and not session.busy.locked():
                del self._sessions[key]
                session.handle.close()

    def close(self) -> None:
        with self._lock:
            for session in self._sessions.values():
                if not session.busy.locked():
                    session.handle.close()
            self._sessions.clear()


def _values(handle: Any, settings: Mapping[str, str]) -> dict[str, str]:
    """What to SET to undo these settings: the value as a literal, or DEFAULT."""
    if not settings:
        return {}
    names = ", ".join(quote(name) for name in settings)
    found = handle.query(
        f"SELECT name, value, changed FROM system.settings WHERE name IN ({names})", "JSONEachRow"
    ).bytes()
    rows = [json.loads(line) for line in found.splitlines()]
    return {r["name"]: quote(r["value"]) if r["changed"] else "DEFAULT" for r in rows}
