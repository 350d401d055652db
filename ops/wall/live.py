"""The tails of three topics: answers for those who wait, alerts and changes for the console.

No group: every wall process reads all partitions from their ends, and has nothing to commit. What
it misses while Kafka is away, pages read from the store when their stream starts afresh.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from connectors.kafka_address import KafkaAddress
from ops.wall.hub import Hub, Place
from ops.wall.outcomes import Outcomes
from schemas.alert import Alert
from schemas.case import Change, Outcome
from streams.core.alerts import ANSWERS, took

log = logging.getLogger(__name__)
TOPICS = ("case-outcomes", "alerts", "case-changes")
AGAIN_SECONDS = 2.0
READY_SECONDS = 3.0


class Tail:
    """Reads the tails until cancelled, through any number of broken connections."""

    def __init__(self, address: KafkaAddress, outcomes: Outcomes, hub: Hub) -> None:
        self._address, self._outcomes, self._hub = address, outcomes, hub
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        said = ""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                if str(error) != said:
                    log.warning("Kafka: %s", error)
                said = str(error)
            self._consumer = None
            await asyncio.sleep(AGAIN_SECONDS)

    async def missing(self) -> str:
        """What keeps us from hearing Kafka; '' when its metadata answers."""
        consumer = self._consumer
        if consumer is None:
            return "Kafka 未连接"
        try:
            await asyncio.wait_for(consumer._client.fetch_all_metadata(), READY_SECONDS)
        except (TimeoutError, KafkaError, OSError) as error:
            return f"Kafka 无响应：{error or type(error).__name__}"
        return ""

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            *TOPICS,
            client_id="gridwhistle-wall",
            group_id=None,
            auto_offset_reset="latest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=200,
            metadata_max_age_ms=30_000,
            **self._address.client(),
        )
        try:
            await consumer.start()
            self._consumer = consumer
            while True:
                found = await consumer.getmany(timeout_ms=1000, max_records=500)
                for records in found.values():
                    for record in records:
                        if record.value is not None:
                            take(record.topic, record.value, self._outcomes, self._hub)
        finally:
            await consumer.stop()


def take(topic: str, value: bytes, outcomes: Outcomes, hub: Hub) -> None:
    """Pass one record on. One that is not what its topic carries is logged and left."""
    try:
        if topic == "case-outcomes":
            outcomes.arrived(Outcome.model_validate_json(value))
        elif topic == "alerts":
            alert = Alert.model_validate_json(value)
            if not alert.test:
                hub.publish(
                    "alert", brief(alert), Place(alert.village, alert.grid, alert.recipient)
                )
        else:
            change = Change.model_validate_json(value)
            case = change.case
            hub.publish("change", _moved(change), Place(case.village, case.grid, case.unit))
    except ValidationError as error:
        log.warning("%s: %d fields are not as agreed", topic, error.error_count())


def brief(alert: Alert) -> dict[str, Any]:
    """An alert as a row of ``GET /alerts``."""
    row = alert.model_dump(exclude={"due", "created_at", "test", "change_id", "event_id"})
    row["created_ms"] = int(alert.created_at.timestamp() * 1000)
    row["due_ms"] = int(alert.due.timestamp() * 1000) if alert.due else 0
    row["acknowledged"] = False
    return row


def _moved(change: Change) -> dict[str, Any]:
    case = change.case
    return {
        "case_no": case.case_no, "version": case.version, "state": case.state,
        "light": case.light, "unit": case.unit, "move": change.move, "alert_id": change.alert_id,
        "answers": [kind for kind, moves in ANSWERS.items() if change.move in moves],
        "took": took(change),
    }  # fmt: skip
