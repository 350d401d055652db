"""``python -m ops.bench.stock_alerts``: stock Faust from ``raw.fire`` straight to ``alerts``.

One agent, one record at a time, the same deciding; an emergency is sent on at once. It writes no
rows and keeps no cases, so what it is compared with does far more.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from typing import Any

import faust

from ops.bench.consumer import Meter, Work
from streams.core.decide import Position
from streams.core.reading import Invalid, read_slice


def main() -> None:
    logging.basicConfig(level=logging.WARNING, force=True)
    work = Work("raw.fire", Meter(sys.maxsize))
    app = faust.App(
        uuid.uuid4().hex, broker=f"kafka://{os.environ['GRIDWHISTLE_KAFKA']}",
        value_serializer="raw", web_enabled=False, topic_allow_declare=False,
        topic_disable_leader=True, consumer_auto_offset_reset="latest",
        datadir=f"/tmp/{uuid.uuid4().hex}",  # noqa: S108 - nothing is kept there
    )  # fmt: skip
    alerts = app.topic("alerts", value_serializer="raw")

    @app.agent(app.topic("raw.fire"))
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            stamp = int(event.message.timestamp * 1000)
            (raw,) = read_slice("raw.fire", [event.value])
            if isinstance(raw, (Invalid, list)):
                continue
            found = work.decider.decide(raw, Position("raw.fire", 0, 0, 0, stamp))
            if isinstance(found, Invalid):
                continue
            for one in found:
                if one.emergency:
                    body = json.dumps({"event_id": one.event_id, "kind": "emergency"}).encode()
                    await alerts.send(key=one.village.encode(), value=body)

    @app.task
    async def ready(_app: Any) -> None:
        while not app.consumer.assignment():
            await app.sleep(0.1)
        print("ready", flush=True)

    worker: Any = faust.Worker(app, override_logging=False, quiet=True, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
