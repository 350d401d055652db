"""A worker that kills itself at a point; the nursery forks it.

    before-insert   rows are ready, the insert is not sent
    after-insert    the rows are in the table, nobody knows yet
    after-ack       acknowledged, not committed
    recovering      a cases worker reads its cases back
    never

GRIDWHISTLE_FAULT_RELAY=BROKER_PORT:RELAY_PORT leads its connections to the broker through a relay;
GRIDWHISTLE_FAULT_MUTANT makes it lose or double records (``mutants.py``).
Its Kafka session is 3 s instead of 10, so that a test need not wait so long for a dead one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

from aiokafka.conn import AIOKafkaConnection

from streams import app, cases, sink, transport, worker
from tests.faults.mutants import MUTANTS

NTH = 2  # let some work pass first


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    app.SESSION_SECONDS, app.HEARTBEAT_SECONDS = 3.0, 0.5
    insert, commit = sink.TableSink._insert_now, transport.ChunkConsumer._commit_offsets
    seen = {"inserts": 0, "commits": 0}

    def insert_now(self: Any, *args: Any) -> None:
        seen["inserts"] += self.table == "events"
        due = seen["inserts"] >= NTH and self.table == "events"
        if due and point == "before-insert":
            die()
        insert(self, *args)
        if due and point == "after-insert":
            die()

    async def commit_offsets(self: Any, offsets: Any, *args: Any, **kwargs: Any) -> bool:
        seen["commits"] += 1
        if point == "after-ack" and seen["commits"] >= NTH:
            die()
        return bool(await commit(self, offsets, *args, **kwargs))

    if point == "recovering":
        keep = cases.Partition.keep
        read = iter(range(10_000_000))

        def kept(self: Any, *args: Any) -> Any:
            if next(read) >= 100:
                die()
            return keep(self, *args)

        cases.Partition.keep = kept  # type: ignore[method-assign]
    sink.TableSink._insert_now = insert_now  # type: ignore[method-assign]
    transport.ChunkConsumer._commit_offsets = commit_offsets


def divert(broker_port: int, relay_port: int) -> None:
    """The broker names its own port to whoever asks, so every connection is turned aside here."""
    made = AIOKafkaConnection.__init__

    def init(self: Any, host: str, port: int, **more: Any) -> None:
        made(self, host, relay_port if port == broker_port else port, **more)

    AIOKafkaConnection.__init__ = init


def main(args: Sequence[str]) -> int:
    point, stage = args
    arm(point)
    if relay := os.environ.get("GRIDWHISTLE_FAULT_RELAY"):
        divert(*map(int, relay.split(":")))
    if mutant := os.environ.get("GRIDWHISTLE_FAULT_MUTANT"):
        MUTANTS[mutant]()
    return worker.main([stage])
