"""Waits for the answer of a case's writer to a command a person sent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from schemas.case import Outcome

REMEMBER = 1024  # answers kept for a command that is sent twice


class Outcomes:
    """Answers as they arrive from the topic ``case-outcomes``, and who waits for which."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._recent: OrderedDict[str, Outcome] = OrderedDict()

    def arrived(self, outcome: Outcome) -> None:
        self._recent[outcome.command_id] = outcome
        while len(self._recent) > REMEMBER:
            self._recent.popitem(last=False)
        for future in self._waiting.pop(outcome.command_id, []):
            if not future.done():
                future.set_result(outcome)

    def recent(self, command_id: str) -> Outcome | None:
        return self._recent.get(command_id)

    def expect(self, command_id: str) -> asyncio.Future[Outcome]:
        """A future of the next answer to that command. Ask before the command is sent."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, []).append(future)
        return future

    def forget(self, command_id: str, future: asyncio.Future[Outcome]) -> None:
        waiting = self._waiting.get(command_id, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(command_id, None)
