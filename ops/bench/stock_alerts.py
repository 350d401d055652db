"""``python -m ops.bench.stock_alerts STAGE``: from a record to its alert on stock Faust.

The same way as ours, written as its documentation would have it, in two processes as well:

    intake   raw.fire, one record at a time: read, decide; a command for what opens a case; rows to
             ClickHouse in blocks of 1,000 or after 0.3 s, from a buffer, beside the agent
    cases    case-commands: ``apply`` to the case in a Faust table, the change to case-changes;
             case-changes: ``alerts_for`` each change, to alerts

It promises less: rows and commands are acknowledged before they are safe, repeats are not told
apart and nothing fences a former owner. Logging is at WARNING, the tables are in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import faust
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import connect, insert_columns
from ops.bench.consumer import Meter, Work
from schemas.case import Change, Command
from schemas.event import EVENT_COLUMNS, Event
from schemas.profile_files import load_profile
from schemas.settings import settings
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.decide import Position
from streams.core.reading import Invalid, read_slice
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.intake import command_of
from streams.sink import store_address

BLOCK, LINGER = 1_000, 0.3


def intake(app: Any) -> None:
    work = Work("raw.fire", Meter(sys.maxsize))
    commands = app.topic("case-commands", value_serializer="raw")
    rows: list[Event] = []
    client: Client = connect(store_address(settings()))
    full = asyncio.Event()

    @app.agent(app.topic("raw.fire"))
    async def reports(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            (raw,) = read_slice("raw.fire", [event.value])
            if isinstance(raw, (Invalid, list)):
                continue
            stamp = int(message.timestamp * 1000)
            at = Position("raw.fire", message.partition, message.offset, 0, stamp)
            found = work.decider.decide(raw, at)
            if isinstance(found, Invalid):
                continue
            for one in found:
                rows.append(one)
                if one.disposition in ("case", "triage", "clear"):
                    body = command_of(one).model_dump_json(exclude_defaults=True)
                    await commands.send(key=one.village.encode(), value=body.encode())
            if len(rows) >= BLOCK:
                full.set()

    @app.task
    async def insert(_app: Any) -> None:
        while True:
            try:
                await asyncio.wait_for(full.wait(), LINGER)
            except TimeoutError:
                pass
            full.clear()
            if rows:
                columns = [list(column) for column in zip(*rows, strict=True)]
                rows.clear()
                await asyncio.to_thread(insert_columns, client, "events", EVENT_COLUMNS, columns)


def cases(app: Any) -> None:
    profile = load_profile(settings().profile)
    rules = Rules(profile, load_workdays(profile))
    changes = app.topic("case-changes", value_serializer="raw")
    alerts = app.topic("alerts", value_serializer="raw")
    known = app.Table("cases", partitions=4, value_type=bytes)

    @app.agent(app.topic("case-commands"))
    async def commands(stream: Any) -> None:
        async for event in stream.events():
            command = Command.model_validate_json(event.value)
            stored = known.get(command.case_no)
            case = Change.model_validate_json(stored).case if stored else None
            done = apply(case, command, rules, datetime.now(UTC), event.message.offset)
            if isinstance(done, Change):
                body = done.model_dump_json(exclude_defaults=True).encode()
                known[command.case_no] = body
                await changes.send(key=done.case.case_no.encode(), value=body)

    @app.agent(changes)
    async def told(stream: Any) -> None:
        async for value in stream:
            for alert in alerts_for(Change.model_validate_json(value), rules):
                body = alert.model_dump_json(exclude_defaults=True)
                await alerts.send(key=alert.recipient.encode(), value=body.encode())


def main() -> None:
    logging.basicConfig(level=logging.WARNING, force=True)
    stage = {"intake": intake, "cases": cases}[sys.argv[1]]
    app = faust.App(
        f"stock-{sys.argv[1]}-{uuid.uuid4().hex}",
        broker=f"kafka://{os.environ['GRIDWHISTLE_KAFKA']}",
        value_serializer="raw", web_enabled=False, topic_replication_factor=1,
        topic_disable_leader=True, consumer_auto_offset_reset="latest", producer_linger=0,
        datadir=f"/tmp/{uuid.uuid4().hex}",  # noqa: S108 - nothing is kept there
    )  # fmt: skip
    stage(app)

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
