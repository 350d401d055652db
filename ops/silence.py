"""The heartbeat watch: devices that fall silent are told once each, as events of device health.

Runs beside the wall. A silence becomes one report ``offline`` in raw.environment and so one row of
``events``; it opens no case. When many of a building fall silent the log says it once. What was
told is found in the store after a restart, and its number keeps it from being told twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from connectors.clickhouse import ClickHouseAddress, StoreError, classify_error, connect
from connectors.kafka import KafkaUnavailable, Producer, Record
from connectors.metrics import metric
from connectors.sqlfiles import read_sql
from schemas.profile import Profile
from streams.core.silence import Silence, Silent, Swept

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds
SOURCE = "heartbeat"
OVERLAP_MS = 120_000  # rows of the last look that may have come late


class HeartbeatWatch:
    """Reads what was heard since the last look and sweeps."""

    def __init__(
        self, profile: Profile, store: ClickHouseAddress, clock: Callable[[], float] = time.time
    ) -> None:
        self.profile, self._store, self._clock = profile, store, clock
        self.silence: Silence | None = None
        self._read_ms = 0

    def look(self) -> Swept:
        """StoreError: the store did not answer; the next look reads what this one missed."""
        now_ms = int(self._clock() * 1000)
        client = connect(self._store)
        try:
            silence = self.silence
            if silence is None:
                silence = Silence(self.profile)
                since = now_ms - 2 * silence.longest_ms
                rows = client.query(
                    read_sql("devices/told.sql"), {"since_ms": since, "source": SOURCE}
                ).result_rows
                silence = Silence(self.profile, frozenset(name for (name,) in rows))
                self._read_ms = since
            rows = client.query(
                read_sql("devices/heard.sql"), {"since_ms": self._read_ms}
            ).result_rows
        except Exception as error:
            raise classify_error(error) from error
        finally:
            client.close()
        for device_id, heard_ms, simulated in rows:
            silence.heard(device_id, int(heard_ms), simulated=bool(simulated))
        self.silence, self._read_ms = silence, now_ms - OVERLAP_MS
        return silence.sweep(now_ms)


def report_of(silent: Silent) -> Record:
    """What is sent for a silence: the same bytes for the same silence."""
    at = datetime.fromtimestamp(silent.since_ms / 1000, UTC)
    body = {
        "id": silent.name, "source": SOURCE, "channel": "env_iot", "event": "offline",
        "device_id": silent.device.device_id, "occurred_at": at.isoformat(),
        "value": round(silent.limit_ms / 60_000), "unit": "min", "simulated": silent.simulated,
    }  # fmt: skip
    return Record("raw.environment", silent.device.device_id.encode(), orjson.dumps(body))


async def watch_devices(
    profile: Profile, store: ClickHouseAddress, producer: Producer, every: float = EVERY,
    heard: Callable[[Swept], None] | None = None,
) -> None:  # fmt: skip
    """For ever. While Kafka or the store is away nobody is called silent."""
    watch = HeartbeatWatch(profile, store)
    if not profile.heartbeats:
        return
    while True:
        try:
            swept = await asyncio.to_thread(watch.look)
            await producer.send_many([report_of(one) for one in swept.fell])
        except (StoreError, KafkaUnavailable) as problem:
            log.warning("heartbeats not looked at: %s", problem)
            watch = HeartbeatWatch(profile, store)  # what was not told is found again
        else:
            _say(watch, swept)
            if heard is not None:
                heard(swept)
        await asyncio.sleep(every)


def _say(watch: HeartbeatWatch, swept: Swept) -> None:
    assert watch.silence is not None
    for kind, (online, silent, unknown) in watch.silence.online().items():
        metric("gridwhistle_devices").labels(kind, "online").set(online)
        metric("gridwhistle_devices").labels(kind, "silent").set(silent)
        metric("gridwhistle_devices").labels(kind, "unknown").set(unknown)
    fell = {one.device.device_id for one in swept.fell}
    for place, devices in swept.together:
        if fell & {one.device.device_id for one in devices}:
            log.warning("%d devices at %s are silent together", len(devices), place)
    if swept.fell or swept.back:
        log.info("%d devices fell silent, %d are heard again", len(fell), len(swept.back))
