"""The sink of the table ``events``: blocks of columns instead of rows."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from connectors.clickhouse import ClickHouseAddress
from schemas.event import EVENT_COLUMNS, Event
from streams.claimed_insert import send_as_writer
from streams.core.quiet import Quiet
from streams.event_block import STRUCTURE, events_block
from streams.sink import TableSink

_DAY_MS = 86_400_000


class EventRows:
    """The events of one chunk: those decided in bulk, and the others in the order of their
    records."""

    __slots__ = ("events", "quiet")

    def __init__(self, quiet: Quiet | None, events: list[Event]) -> None:
        self.quiet, self.events = quiet, events

    def __len__(self) -> int:
        return len(self.events) + (len(self.quiet) if self.quiet is not None else 0)

    def by_month(self) -> list[tuple[int, EventRows]]:
        """Runs of events that fall into one partition of the table; nearly always one."""
        stamps = [event.ingest_ms for event in self.events]
        if self.quiet is not None and len(self.quiet):
            stamps += [int(self.quiet.ingest_ms.min()), int(self.quiet.ingest_ms.max())]
        first, last = _month(min(stamps)), _month(max(stamps))
        if first == last:
            return [(first, self)]
        mine = self.quiet.events() if self.quiet is not None else []
        rows = sorted([*mine, *self.events], key=lambda event: (event.offset, event.part))
        runs = itertools.groupby(rows, lambda event: _month(event.ingest_ms))
        return [(month, EventRows(None, list(run))) for month, run in runs]


class EventSink(TableSink):
    def __init__(
        self, address: ClickHouseAddress, *, writer: Callable[[], str],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__("events", EVENT_COLUMNS, address, writer=writer, on_failure=on_failure)

    def _blocks(self, batches: Sequence[Any]) -> list[Any]:
        """Runs of chunks that fall into one month. Runs, not groups: what a table holds must be
        all there is up to some record, after any crash."""
        runs = itertools.groupby(
            (run for rows in batches for run in rows.by_month()), lambda run: run[0]
        )
        return [[rows for _, rows in run] for _, run in runs]

    def _size(self, block: Sequence[Any]) -> int:
        return sum(map(len, block))

    def _send(self, client: Any, block: Any, settings: dict[str, Any], writer: str | None) -> None:
        quiets = [rows.quiet for rows in block if rows.quiet is not None and len(rows.quiet)]
        body = events_block(quiets, [event for rows in block for event in rows.events])
        send_as_writer(client, self.table, self.columns, STRUCTURE, body, writer or "", settings)


def _month(ms: int) -> int:
    """Partition of the table an event falls into: months of UTC, as in the DDL."""
    return _month_of_day(ms // _DAY_MS)


@cache
def _month_of_day(day: int) -> int:
    at = time.gmtime(day * 86_400)
    return at.tm_year * 12 + at.tm_mon
