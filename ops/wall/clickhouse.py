"""The store as the wall uses it: one async client, opened on first use, opened again after loss."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors.clickhouse import ClickHouseAddress, classify_error, connect_async
from ops.wall.store import Row, StoreDown

ANSWER_SECONDS = 30


class ClickHouse:
    """Rows over ClickHouse's HTTP interface. Parameters are bound by the server."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self._address = address
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        try:
            client = await self._opened()
            result = await client.query(sql, parameters=dict(parameters))
        except Exception as error:
            failed = classify_error(error)
            raise StoreDown(str(failed).split("\n")[0][:300]) from error
        return list(result.named_results())

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await connect_async(self._address, ANSWER_SECONDS)
            return self._client
