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
from schemas.event import EVENT, Event
from schemas.ids import village_of
from streams.core.alerts import ANSWER_PAIRS

COMMANDS, OUTCOMES = "case-commands", "case-outcomes"


class Told(NamedTuple):
    """A case, its moves and reports (oldest first), its alerts (newest first), as rows."""

    case: Case
    moves: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    reports: list[dict[str, Any]]


def tell(client: Client, case_no: str) -> Told | None:
    """The whole story of a case; None when the store does not know it. StoreUnavailable."""
    rows = _rows(client, "case", {"case_no": case_no, "area": "", "unit_only": ""})
    if not rows:
        return None
    asked = {"case_no": case_no}
    case = Case.model_validate_json(rows[0]["body"])
    since = {"opened_ms": int(case.opened_at.timestamp() * 1000)}
    return Told(
        case,
        _rows(client, "case_history", asked),
        _rows(client, "case_alerts", asked | {"answers": list(ANSWER_PAIRS)}),
        _rows(client, "case_reports", asked | since | {"event_ids": list(case.event_ids)}),
    )


def event_of(client: Client, case_no: str, event_id: str) -> Event | None:
    """An event of a case; None when there is no such case or event. StoreUnavailable."""
    told = tell(client, case_no)
    if told is None or event_id not in {row["event_id"] for row in told.reports}:
        return None
    since = int(told.case.opened_at.timestamp() * 1000)
    rows = _rows(client, "event", {"event_id": event_id, "opened_ms": since})
    return EVENT.validate_python(rows[0]) if rows else None


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
