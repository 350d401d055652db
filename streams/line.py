"""A line to the store: one connection on a thread of its own, and patience."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from connectors.clickhouse import (
    ClickHouseAddress,
    StoreRejected,
    StoreUnavailable,
    classify_error,
    connect,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
REFUSED_BY_ROW = 395  # ClickHouse's code of throwIf
LONGEST_WAIT = 15.0


class Superseded(RuntimeError):
    """Another worker has claimed a partition this one still writes."""


class StoreLine:
    """Statements one after another. A broken connection is replaced at the next statement."""

    def __init__(self, address: ClickHouseAddress, name: str) -> None:
        self.address, self.name = address, name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"store-{name}")
        self._client: Any = None

    async def work(self, step: Callable[[Any], T]) -> T:
        """``step(client)`` on the thread. StoreUnavailable, StoreRejected, Superseded."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._step, step)

    def _step(self, step: Callable[[Any], T]) -> T:
        try:
            if self._client is None:
                self._client = connect(self.address)
            return step(self._client)
        except Superseded:
            raise
        except Exception as exc:
            self._client = None
            problem = classify_error(exc)
            if problem.code == REFUSED_BY_ROW and "superseded" in str(problem):
                raise Superseded(str(problem)) from exc
            raise problem from exc

    async def ask(self, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Rows of a query. Waits for as long as the store is away; StoreRejected at once."""

        def query(client: Any) -> Sequence[Sequence[Any]]:
            rows: Sequence[Sequence[Any]] = client.query(sql, parameters).result_rows
            return rows

        return await self._patiently(query)

    async def tell(self, sql: str, parameters: dict[str, Any]) -> None:
        """A statement without an answer; waits for as long as the store is away. It may be done
        twice, when an answer got lost."""
        await self._patiently(lambda client: client.command(sql, parameters) and None)

    async def _patiently(self, step: Callable[[Any], T]) -> T:
        wait = 0.2
        while True:
            try:
                return await self.work(step)
            except StoreUnavailable as exc:
                log.warning("%s: store does not answer, again in %.1f s: %s", self.name, wait, exc)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)


__all__ = ["StoreLine", "StoreRejected", "StoreUnavailable", "Superseded"]
