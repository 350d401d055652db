"""What the wall asks of the store: rows for a statement with parameters. Nothing writes here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Row = dict[str, Any]


class StoreDown(Exception):
    """The store did not answer, or answered with an error. The sentence says which."""


class Store(Protocol):
    async def rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        """Rows of a statement from ``sql/``. StoreDown when there is no answer."""
        ...
