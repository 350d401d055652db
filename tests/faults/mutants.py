"""Workers with a fault of their own, each one way to lose or double records. The same tests that
a sound worker passes must fail with these; that is how we know the judges see anything.

GRIDWHISTLE_FAULT_MUTANT names the one a worker becomes (``suicide.py``).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from string import Template
from typing import Any

from connectors.clickhouse import classify_error
from streams import claimed_insert, claims, finish, intake, sink, transport
from streams.core.recent import RecentIds
from streams.line import StoreRejected


def acknowledges_first() -> None:
    """Before rows, letters and commands are safe."""
    finishing = finish.Finisher.finish

    def now(self: Any, event: Any, effects: Any, size: int = 0) -> None:
        event.ack()
        finishing(self, event, effects, size)

    finish.Finisher.finish = now  # type: ignore[method-assign]


def commits_past_what_is_in_hand() -> None:
    """As stock Faust does (#606)."""

    def newest(self: Any, tp: Any) -> int | None:
        queue, offset = self._in_flight[tp], None
        for message in [m for m in queue if m.acked]:
            offset = getattr(message, "next_offset", message.offset + 1)
            queue.remove(message)
        return offset

    transport.ChunkConsumer._new_offset = newest  # type: ignore[method-assign]


def inserts_without_a_claim() -> None:
    """Whoever owns the partition by now."""

    whole = claimed_insert._statement().template
    bare = Template(whole[: whole.index("WHERE")] + whole[whole.index("FORMAT") :])
    claimed_insert._statement = lambda: bare  # type: ignore[assignment]


def looks_at_nothing() -> None:
    """A successor does not ask what the tables hold beyond the commit."""

    async def held(_self: Any, _tp: Any, _first: int) -> claims.Held:
        return claims.Held()

    claims.Claims.held = held  # type: ignore[method-assign]


def sends_again_under_a_new_token() -> None:
    insert = sink.TableSink._insert_now

    def again(self: Any, client: Any, block: Any, _token: str, writer: Any) -> None:
        insert(self, client, block, uuid.uuid4().hex, writer)

    sink.TableSink._insert_now = again  # type: ignore[method-assign]


def drops_what_is_refused() -> None:
    insert = sink.TableSink._insert_now

    def drop(self: Any, *args: Any) -> None:
        try:
            insert(self, *args)
        except Exception as exc:
            if not isinstance(classify_error(exc), StoreRejected):
                raise

    sink.TableSink._insert_now = drop  # type: ignore[method-assign]


def forgets_commands() -> None:
    """What it sends says nothing."""

    def nothing(_event: Any) -> Any:
        return intake.Record("case-commands", b"", b'{"report": null}')

    intake._record = nothing


def forgets_repeats() -> None:
    RecentIds.repeats = lambda _self, _keys, _places: []  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        acknowledges_first, commits_past_what_is_in_hand, inserts_without_a_claim,
        looks_at_nothing, sends_again_under_a_new_token, drops_what_is_refused, forgets_commands,
        forgets_repeats,
    )
}  # fmt: skip
