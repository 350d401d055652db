"""Just enough of ClickHouse's grammar to know what a request wants and where its data starts.

The engine still parses everything; this only splits an INSERT from its data, finds the output
format, and refuses statements that would reach files outside the store, which a ClickHouse
server refuses as well.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ops.store.failure import failure

TOKEN = re.compile(
    rb"(?P<blank>\s+|--[^\n]*|/\*.*?\*/)"
    rb"|(?P<text>'(?:[^'\\]|\\.|'')*')"
    rb"|(?P<quoted>`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")"
    rb"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    rb"|(?P<number>[0-9][A-Za-z0-9_.]*)"
    rb"|(?P<sign>.)",
    re.S,
)

# Functions and table functions that reach outside the data directory or into this process.
OUTSIDE = {b"FILE", b"FILECLUSTER", b"EXECUTABLE", b"EXECUTABLEPOOL", b"EXECUTABLE_POOL", b"PYTHON"}
PAIRS = {
    (b"INTO", b"OUTFILE"),
    (b"FROM", b"INFILE"),
    (b"SYSTEM", b"SHUTDOWN"),
    (b"SYSTEM", b"KILL"),
}
READS = {b"SELECT", b"WITH"}
# After this many bytes a statement must have reached its data (ClickHouse's max_query_size).
HEAD_BYTES = 262_144


@dataclass(frozen=True)
class Token:
    kind: str  # text, quoted, word, number, sign
    raw: bytes
    start: int
    end: int
    depth: int  # open parentheses around it

    @property
    def upper(self) -> bytes:
        return self.raw.upper() if self.kind == "word" else self.raw

    @property
    def name(self) -> bytes:
        """The identifier it spells, quotes removed, in capitals."""
        return (self.raw[1:-1] if self.kind == "quoted" else self.raw).upper()


@dataclass(frozen=True)
class Statement:
    """A request's SQL: `verb` in capitals, `head` the SQL without any data.

    `format`: of the data for an insert, of the output otherwise (None: the request's default).
    `data_at`: where the data of an insert begins in the bytes given; None when it has none.
    `settings_at`: where SETTINGS of an insert begin in `head`.
    `input_at`: for INSERT … SELECT … FROM input('structure'): the call and its structure.
    """

    verb: str
    head: bytes
    format: str | None = None
    data_at: int | None = None
    settings_at: int | None = None
    input_at: tuple[int, int, bytes] | None = None
    totals: bool = False  # WITH TOTALS, which the engine's stream leaves out

    @property
    def streams(self) -> bool:
        """Whether the engine can hand out the result block by block."""
        return self.verb.encode() in READS and not self.totals

    def with_data_at(self, start: int) -> Statement:
        """The same with its data elsewhere."""
        return replace(self, data_at=start)


def tokens(sql: bytes) -> Iterator[Token]:
    """Tokens of SQL without blanks and comments."""
    depth = 0
    at = 0
    while at < len(sql):
        match = TOKEN.match(sql, at)
        assert match is not None  # `sign` takes any byte
        at = match.end()
        kind = match.lastgroup or "sign"
        if kind == "blank":
            continue
        raw = match[0]
        if raw in (b")", b"]", b"}"):
            depth -= 1
        yield Token(kind, raw, match.start(), at, depth)
        if raw in (b"(", b"[", b"{"):
            depth += 1


def read_statement(sql: bytes) -> Statement:
    """Read the first HEAD_BYTES of a request. Raises StoreFailure: 62 nothing to run, 497 a
    statement that reaches outside the store."""
    seen: list[Token] = []
    verb = b""
    for token in tokens(sql[:HEAD_BYTES]):
        if not verb and token.kind == "word":
            verb = token.upper
        if seen:
            _refuse_outside(seen[-1], token)
        seen.append(token)
        if verb != b"INSERT" or token.depth or token.kind != "word":
            continue
        if len(seen) > 1 and seen[-2].upper == b"FORMAT":
            return _insert(
                sql, seen[:-2], token.raw.decode(), _data_start(sql, token.end), seen[-2]
            )
        if token.upper == b"VALUES" and len(seen) > 2:
            return _insert(sql, seen[:-1], "Values", token.end, token)
    if not verb:
        raise failure(62, "Empty query")
    pairs = itertools.pairwise(seen)
    totals = any((a.upper, b.upper) == (b"WITH", b"TOTALS") for a, b in pairs)
    return Statement(verb.decode(), sql, _output_format(seen), totals=totals)


def _refuse_outside(previous: Token, token: Token) -> None:
    calls = token.raw == b"(" and previous.kind in ("word", "quoted")
    if calls and previous.name in OUTSIDE:
        what = previous.name.decode().lower() + "()"
    elif (previous.upper, token.upper) in PAIRS:
        what = f"{previous.upper.decode()} {token.upper.decode()}"
    else:
        return
    raise failure(497, f"{what} is not allowed: it reaches outside the store")


def _data_start(sql: bytes, at: int) -> int:
    """Data starts after the format's name, blanks, an optional semicolon and one line end."""
    match = re.compile(rb"[ \t]*;?[ \t]*(?:\r?\n)?").match(sql, at)
    assert match is not None
    return match.end()


def _insert(sql: bytes, head: list[Token], fmt: str, data_at: int, end: Token) -> Statement:
    reads = any(t.upper in READS and t.kind == "word" and not t.depth for t in head)
    found = None
    for call, opening, structure, closing in zip(head, head[1:], head[2:], head[3:], strict=False):
        if (call.name, opening.raw, closing.raw) == (b"INPUT", b"(", b")"):
            found = (call.start, closing.end, structure.raw)
    if reads and found is None:
        raise failure(48, "INSERT … SELECT … FORMAT needs FROM input('structure')")
    settings = [t.start for t in head if t.upper == b"SETTINGS" and not t.depth]
    begin = settings[0] if settings else None
    return Statement("INSERT", sql[: end.start].rstrip(), fmt, data_at, begin, found)


def _output_format(seen: list[Token]) -> str | None:
    """The FORMAT that ends a statement, before any SETTINGS."""
    for word, fmt in zip(reversed(seen[:-1]), reversed(seen), strict=False):
        if word.upper == b"FORMAT" and word.kind == "word" and not word.depth:
            return fmt.raw.decode(errors="replace") if fmt.kind == "word" else None
    return None
