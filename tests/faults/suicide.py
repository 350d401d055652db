"""``python -m tests.faults.suicide POINT STAGE``: a worker that kills itself at a point.

    before-insert   rows are ready, the insert is not sent
    after-insert    the rows are in the table, nobody knows yet
    after-ack       acknowledged, not committed
    recovering      a cases worker reads its cases back
    never

Its Kafka session is 3 s instead of 10, so that a test need not wait so long for a dead one.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from streams import app, cases, sink, transport, worker

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


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.exit(worker.main(sys.argv[2:]))
