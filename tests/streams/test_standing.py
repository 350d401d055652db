"""While work in hand does not get away, busy partitions stand and quiet ones go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.standing import FAR_TOO_MUCH, MUCH, Standing

BUSY, CALM = TP("raw.environment", 0), TP("raw.fire", 0)


class Full:
    """A sink or finisher as full as it is told."""

    def __init__(self, share: float) -> None:
        self.share, self.less = share, asyncio.Event()

    def fullness(self) -> float:
        return self.share

    async def room(self) -> None:
        while self.share >= 1:
            self.less.clear()
            await self.less.wait()

    def become(self, share: float) -> None:
        self.share = share
        self.less.set()


class Chunk:
    def __init__(self, tp: TP, records: int) -> None:
        self.tp, self.records, self.size = tp, records, records * 100

    def __len__(self) -> int:
        return self.records


class Stage:
    """What intake does with an event, around the real thing."""

    def __init__(self, share: float) -> None:
        self.full, self.taken = Full(share), list[Any]()
        self.app: Any = SimpleNamespace(held=frozenset(), crash_soon=self._crash)
        self.crashed: list[BaseException] = []
        self.fails: Exception | None = None
        self.standing = Standing(self.app, (self.full, Full(0)), self._take)

    def _crash(self, exc: BaseException) -> None:
        self.crashed.append(exc)

    async def _take(self, event: Any) -> None:
        if self.fails:
            raise self.fails
        self.taken.append(event)

    async def comes(self, tp: TP, records: int) -> Any:
        event = SimpleNamespace(value=Chunk(tp, records))
        if not self.standing.sets_aside(event):
            await self._take(event)
            await self.standing.room(event.value)
        return event


def told(share: float, story: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    async def run() -> Stage:
        stage = Stage(share)
        await asyncio.wait_for(story(stage), 10)
        return stage

    return asyncio.run(run())


async def settled(stage: Stage) -> None:
    going_on = stage.standing._going_on
    assert going_on is not None
    await going_on


def test_what_a_standing_partition_handed_out_waits_in_order_while_others_go_on() -> None:
    async def story(stage: Stage) -> None:
        first = await stage.comes(BUSY, MUCH)
        assert stage.app.held == {BUSY}
        aside = [await stage.comes(BUSY, MUCH) for _ in range(3)]
        calls = [await stage.comes(CALM, 1) for _ in range(2)]
        assert stage.taken == [first, *calls]
        stage.full.become(0)
        await settled(stage)
        assert stage.taken == [first, *calls, *aside]
        assert stage.app.held == frozenset()
        assert await stage.comes(BUSY, MUCH) is stage.taken[-1]

    told(1.0, story)


def test_what_comes_while_the_rest_is_taken_stays_behind_it() -> None:
    async def story(stage: Stage) -> None:
        await stage.comes(BUSY, MUCH)
        aside = [await stage.comes(BUSY, MUCH) for _ in range(2)]
        stage.full.become(0)
        await asyncio.sleep(0)  # the first is about to be taken
        late = await stage.comes(BUSY, MUCH)
        await settled(stage)
        assert stage.taken[1:] == [*aside, late]

    told(1.0, story)


def test_nobody_stands_while_there_is_room_and_quiet_partitions_never() -> None:
    async def story(stage: Stage) -> None:
        await stage.comes(BUSY, MUCH)
        stage.full.become(1.5)
        await stage.comes(CALM, MUCH - 1)
        assert stage.app.held == frozenset()

    told(0.9, story)


def test_far_too_much_makes_everybody_wait() -> None:
    async def story(stage: Stage) -> None:
        waiting = asyncio.ensure_future(stage.comes(CALM, 1))
        await asyncio.sleep(0)
        assert not waiting.done()
        stage.full.become(0)
        await waiting

    told(FAR_TOO_MUCH, story)


def test_partitions_that_move_leave_nothing_behind() -> None:
    async def story(stage: Stage) -> None:
        first = await stage.comes(BUSY, MUCH)
        await stage.comes(BUSY, MUCH)
        stage.standing.forget()
        assert stage.app.held == frozenset()
        stage.full.become(0)
        await settled(stage)
        assert stage.taken == [first]

    told(1.0, story)


def test_a_bug_in_what_was_set_aside_is_loud() -> None:
    async def story(stage: Stage) -> None:
        await stage.comes(BUSY, MUCH)
        await stage.comes(BUSY, MUCH)
        stage.fails = ValueError("a bug")
        stage.full.become(0)
        await settled(stage)
        assert stage.crashed == [stage.fails]

    told(1.0, story)
