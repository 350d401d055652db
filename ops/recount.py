"""When a year's calendar is published: tell the cases whose clocks were set by a forecast of it."""

from __future__ import annotations

from datetime import datetime

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.kafka import KafkaAddress, Producer, Record
from connectors.sqlfiles import read_sql
from schemas.case import Actor, Case, Command
from schemas.ids import command_id, village_of
from streams.core.rebasing import needs_recount
from streams.core.rules import Rules

CALENDAR = Actor(role="system", id="calendar")


def provisional(client: Client) -> list[Case]:
    """Open cases with a provisional clock. StoreUnavailable, StoreRejected."""
    try:
        rows = client.query(read_sql("reports/provisional.sql")).result_rows
    except Exception as error:
        raise classify_error(error) from error
    return [Case.model_validate_json(row[0]) for row in rows]


def commands(cases: list[Case], rules: Rules, now: datetime) -> list[Command]:
    """One command for each case whose clocks stand elsewhere now; the same for the same version."""
    return [
        Command(
            command_id=command_id(f"calendar\x1f{case.version}", "recount", case.case_no),
            case_no=case.case_no,
            move="recount",
            at=now,
            actor=CALENDAR,
            reason="节假日安排已公布,按新日历重算",
        )
        for case in cases
        if needs_recount(rules, case)
    ]


async def send(address: KafkaAddress, todo: list[Command]) -> None:
    """KafkaUnavailable; doing it again is harmless."""
    async with Producer(address, client_id="gridwhistle-recount") as producer:
        await producer.send_many([_record(one) for one in todo])


def _record(command: Command) -> Record:
    key = village_of(command.case_no).encode()
    return Record("case-commands", key, command.model_dump_json().encode())
