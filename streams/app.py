"""The Faust app of a stage: every default that loses data set, nothing left to chance."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.types import TP

from schemas.settings import Settings
from streams.chunks import ChunkSchema
from streams.sink import TableSink
from streams.transport import ChunkTransport

log = logging.getLogger(__name__)

CRASHED = 70  # exit code of a worker that met a bug or got stuck
SESSION_SECONDS, HEARTBEAT_SECONDS = 10.0, 2.0  # a dead worker's partitions move after the first


class StageApp(faust.App):  # type: ignore[misc]
    """A Faust app whose topics hand out chunks.

    ``flush_hooks`` are awaited before a revoke or a stop; ``revoked_hooks`` hear what was taken.
    Of the partitions in ``held`` no chunk is handed out, while all others go on.
    """

    chunk_records = 2_000
    fetch_wait_ms = 100
    chunk_bytes = 2 << 20
    round_records = 3_000  # handed out before looking again who is waiting
    flush_seconds = 10.0  # for work in hand before partitions move; less than the rebalance timeout
    stop_seconds = 1.0  # for work in hand before a stop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.chunk_topics: set[str] = set()
        self.held: frozenset[TP] = frozenset()  # replaced, never changed: another thread reads it
        self.flush_hooks: list[Callable[[], Awaitable[None]]] = []
        self.revoked_hooks: list[Callable[[set[TP]], None]] = []
        self.sinks: list[TableSink] = []
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self.excused: list[Callable[[TP], bool]] = []  # partitions that stand for a reason
        super().__init__(*args, **kwargs)

    async def on_stop(self) -> None:
        await super().on_stop()
        for close in self.closers:
            await close()

    def crash_soon(self, exc: BaseException) -> None:
        """End the process with its offsets uncommitted: going on would lose what failed.

        Everything is safe against that at any moment, so nothing is tidied up; a supervisor starts
        the worker again and it reads from the last commit.
        """
        log.critical("worker stops: %r", exc, exc_info=exc)
        logging.shutdown()
        os._exit(CRASHED)

    def _new_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_consumer, self)

    def chunks(self, *names: str, waiting: int = 2) -> Any:
        """A Faust topic over ``names`` whose stream yields chunks; ``waiting`` of them queue."""
        self.chunk_topics.update(names)
        return self.topic(*names, schema=ChunkSchema(), maxsize=waiting)


def stage_app(stage: str, settings: Settings) -> StageApp:
    """App of one stage. Its consumer group is ``gridwhistle-<stage>``."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)  # Faust does not make the parent
    return StageApp(
        f"gridwhistle-{stage}",
        broker=[f"kafka://{host.strip()}" for host in settings.kafka.split(",")],
        broker_credentials=_credentials(settings),
        datadir=str(settings.data_dir / f"faust-{stage}"),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,  # topics come from schemas.topics, before any worker
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,  # its /table pages would show case texts
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=30.0,
        broker_max_poll_interval=300.0,
        consumer_max_fetch_size=1 << 20,  # a partition; a larger record comes all the same
        stream_wait_empty=True,
        stream_publish_on_commit=False,
        processing_guarantee="at_least_once",  # effects are idempotent; see docs of the sink
    )


def _credentials(settings: Settings) -> Any:
    if settings.kafka_security == "PLAINTEXT":
        return None
    context = ssl.create_default_context()
    if settings.kafka_security == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=context,
        mechanism="SCRAM-SHA-512",
    )
