"""One case for operators at a terminal: its story from the store, and moves through Kafka."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.kafka import KafkaAddress, KafkaUnavailable, Producer
from connectors.sqlfiles import read_sql
from schemas.case import Case, Command, Outcome
from schemas.ids import village_of

COMMANDS, OUTCOMES = "case-commands", "case-outcomes"


class Told(NamedTuple):
    """A case, its moves (oldest first) and its alerts (newest first), as rows of their queries."""

    case: Case
    moves: list[dict[str, Any]]
    alerts: list[dict[str, Any]]


def tell(client: Client, case_no: str) -> Told | None:
    """The whole story of a case; None when the store does not know it. StoreUnavailable."""
    rows = _rows(client, "case", {"case_no": case_no, "area": "", "unit_only": ""})
    if not rows:
        return None
    asked = {"case_no": case_no}
    return Told(
        Case.model_validate_json(rows[0]["body"]),
        _rows(client, "case_history", asked),
        _rows(client, "case_alerts", asked),
    )


async def act(address: KafkaAddress, command: Command, seconds: float) -> Outcome | None:
    """Send a command and wait for its writer's answer; None when none came in ``seconds``: then the
    case may have moved all the same. KafkaUnavailable.
    """
    consumer = AIOKafkaConsumer(OUTCOMES, enable_auto_commit=False, **address.client())
    try:
        await consumer.start()
    except Exception as error:
        raise KafkaUnavailable(str(error)) from error
    try:
        places = tuple(consumer.assignment())
        if not places:
            raise KafkaUnavailable(f"没有主题 {OUTCOMES}")
        await consumer.seek_to_end(*places)
        await asyncio.gather(*(consumer.position(place) for place in places))
        async with Producer(address, client_id="gridwhistle-case") as producer:
            key = village_of(command.case_no).encode()
            await producer.send(COMMANDS, key, command.model_dump_json().encode())
        return await _answer(consumer, command.command_id, seconds)
    finally:
        await consumer.stop()


async def _answer(consumer: AIOKafkaConsumer, command_id: str, seconds: float) -> Outcome | None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        got = await consumer.getmany(timeout_ms=max(1, int(left * 1000)))
        for records in got.values():
            for record in records:
                outcome = Outcome.model_validate_json(record.value)
                if outcome.command_id == command_id:
                    return outcome
    return None


def _rows(client: Client, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        return list(
            client.query(read_sql(f"api/{name}.sql"), parameters=parameters).named_results()
        )
    except Exception as error:
        raise classify_error(error) from error
