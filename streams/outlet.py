"""What agents send: kept trying until Kafka has it, for what is not sent is not acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from connectors.kafka import KafkaUnavailable, Producer, Record

log = logging.getLogger(__name__)


class Outlet:
    """A producer for agents. ``put`` returns once all records are acknowledged, however long it
    takes; a record that never fits raises RecordTooLarge, which is a bug of ours.
    """

    def __init__(self, producer: Producer) -> None:
        self.producer = producer

    async def put(self, records: Sequence[Record]) -> None:
        wait = 0.2
        while records:
            try:
                await self.producer.send_many(records, timeout=30.0)
            except KafkaUnavailable as exc:
                log.warning("Kafka 未确认,%.1f 秒后重发 %d 条: %s", wait, len(records), exc)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 15.0)
            else:
                return
