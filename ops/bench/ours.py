"""``python -m ops.bench.ours WITH COUNT``: the intake worker, until COUNT records are done.

WITH is ``store``, or ``nothing``: then rows go nowhere, to see what the store costs.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Sequence
from typing import Any

from ops.bench.consumer import Meter
from streams import intake, worker
from streams.claims import Claims, Held
from streams.finish import Finisher
from streams.sink import TableSink
from streams.stopped import Stopped


def without_store() -> None:
    def add(self: Any, rows: Sequence[Any]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def nothing(self: Any, *_: Any) -> None: ...

    async def held(self: Any, *_: Any) -> Held:
        return Held()

    async def passed(self: Any, *_: Any) -> int:
        return -1

    TableSink.add = add  # type: ignore[method-assign,assignment,unused-ignore]
    Claims.claim = nothing  # type: ignore[method-assign,assignment,unused-ignore]
    Claims.held = held  # type: ignore[method-assign,assignment,unused-ignore]
    Stopped.passed_until = passed  # type: ignore[method-assign,assignment,unused-ignore]


def main() -> int:
    with_store, count = sys.argv[1] == "store", int(sys.argv[2])
    if not with_store:
        without_store()
    meter = Meter(count)
    take, finish = intake.Intake.take, Finisher._finish

    async def timed_take(self: Any, event: Any) -> None:
        meter.begin()
        await take(self, event)

    async def timed_finish(self: Any, event: Any, effects: Any, size: int) -> None:
        records = len(event.value)
        await finish(self, event, effects, size)
        meter.took(records)

    ours: Any = worker
    stage_app = ours.stage_app
    ours.stage_app = lambda _stage, conf: stage_app(f"bench-{uuid.uuid4().hex}", conf)
    intake.Intake.take = timed_take  # type: ignore[method-assign,assignment,unused-ignore]
    Finisher._finish = timed_finish  # type: ignore[method-assign,assignment,unused-ignore]
    return worker.main(["intake"])


if __name__ == "__main__":
    sys.exit(main())
