"""One statement from its bytes to the bytes of its answer. Runs on pool threads, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from ops.store.body import Body, decompress
from ops.store.coding import choose_packer
from ops.store.engine import (
    BLOCKWISE,
    WHOLE_RESULT_BYTES,
    Counts,
    Engine,
    check_allowed,
    insert,
    read,
    run,
    set_statement,
)
from ops.store.failure import failure
from ops.store.request import Request
from ops.store.sessions import Sessions
from ops.store.statement import HEAD_BYTES, Statement, read_statement

FIRST_BYTES = (
    4 << 20
)  # held back, so that small answers have their length and a late error a status
PIECE_BYTES = 1 << 20


class Work:
    """`prepare`, then `start`, then `more` until it gives nothing; `close` in any case."""

    def __init__(self, engine: Engine, sessions: Sessions, request: Request) -> None:
        self.counts = Counts()
        self.format: str | None = None  # of the result; None when there is none
        self.writes = False
        self.abandoned = False  # the client has gone
        self.encoding, self._packer = choose_packer(request.packs)
        self._engine, self._sessions, self._request = engine, sessions, request
        self._exit = ExitStack()
        self._pieces: Iterator[bytes] = iter(())
        self._done = False
        self._statement: Statement | None = None
        self._body: Body | None = None

    def prepare(self, body: Body, encoding: str, spill: Path, limit: int) -> None:
        """Unpack the body and read the statement: the URL's part, a line end, the body's."""
        self._exit.enter_context(body)
        body = self._exit.enter_context(decompress(body, encoding, spill, limit))
        sql = self._request.sql.encode("utf-8", "surrogateescape")
        if not sql:
            statement = read_statement(body.head(HEAD_BYTES))
            if statement.data_at is None and body.size > HEAD_BYTES:
                if statement.verb == "INSERT":
                    raise failure(62, f"INSERT does not reach its data in {HEAD_BYTES} bytes")
                statement = read_statement(body.rest(0))
            if statement.data_at is None:
                body = self._exit.enter_context(Body.empty())
        else:
            statement = read_statement(sql + b"\n")
            if statement.data_at is None and body.size:
                statement = read_statement(sql + b"\n" + body.rest(0))
                body = self._exit.enter_context(Body.empty())
            elif statement.data_at is not None:
                inline = (sql + b"\n")[statement.data_at :].strip()
                if inline:
                    body = self._exit.enter_context(body.after(inline + b"\n", spill))
                statement = statement.with_data_at(0)
        self._statement, self._body = statement, body
        self.writes = statement.verb not in ("SELECT", "WITH", "SHOW", "DESCRIBE", "DESC",
                                             "EXPLAIN", "EXISTS")  # fmt: skip

    def start(self) -> bytes:
        """Run the statement as far as the first FIRST_BYTES of its answer."""
        if self.abandoned:
            raise failure(394, "Query was cancelled: the client has gone.")
        assert self._statement is not None
        assert self._body is not None
        self._pieces = self._run(self._statement, self._body)
        return self._pull(FIRST_BYTES)

    def more(self) -> bytes:
        """The next piece, packed; empty only when the answer is complete."""
        return b"" if self._done else self._pull(PIECE_BYTES)

    @property
    def complete(self) -> bool:
        return self._done

    def pack_last(self, note: bytes) -> bytes:
        """A last word in an answer that breaks off."""
        return self._packer.compress(note) + self._packer.flush()

    def close(self) -> None:
        self._exit.close()

    def _pull(self, least: int) -> bytes:
        pieces, size = [], 0
        while size < least:
            piece = next(self._pieces, None)
            if piece is None:
                self._done = True
                pieces.append(self._packer.flush())
                break
            packed = self._packer.compress(piece)
            pieces.append(packed)
            size += len(packed)
        return b"".join(pieces)

    def _run(self, statement: Statement, body: Body) -> Iterator[bytes]:
        ask = self._request.ask
        handle = self._open()
        reads = check_allowed(handle, statement, ask)
        if statement.data_at is not None:
            insert(handle, statement, ask, body, self._engine, self.counts)
            return
        fmt = statement.format or ask.default_format
        if reads:
            self.format = fmt
            self.writes = False
            if fmt not in BLOCKWISE and not ask.role.readonly and not self._request.session_id:
                limit = {"max_result_bytes": WHOLE_RESULT_BYTES, "result_overflow_mode": "throw"}
                handle.query(set_statement({**limit, **ask.settings}), "Null")
        source = read if reads and statement.streams else run
        yield from self._exit.enter_context(
            closing(source(handle, statement, ask, fmt, self.counts))  # type: ignore[type-var]
        )

    def _open(self) -> Any:
        request, ask = self._request, self._request.ask
        if request.session_id is not None:
            return self._exit.enter_context(
                self._sessions.handle(
                    ask, request.session_id, request.session_timeout, request.session_check
                )
            )
        handle = self._engine.open(ask.role, ask.database, ask.query_id)
        self._exit.callback(handle.close)
        if ask.settings:
            handle.query(set_statement(ask.settings), "Null")
        return handle
