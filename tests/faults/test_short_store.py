"""The store fails: it refuses, throws, is full, dies, or its answers get lost."""

from __future__ import annotations

import signal
import time
from typing import NamedTuple

import pytest
from aiohttp import web

from tests.faults.centre import Centre
from tests.faults.store_proxy import Asked, refusal

EVENTS = 8_000


def test_acknowledgement_lost_after_a_successful_insert(centre: Centre) -> None:
    lost = 0

    async def drop(asked: Asked) -> web.Response | None:
        nonlocal lost
        answer = await asked.forward()
        if asked.table and lost < 3:
            lost += 1
            return None
        return answer

    centre.proxy.rule = drop
    centre.worker()
    centre.produce(EVENTS)
    centre.judge("answer lost three times after the insert succeeded")
    assert lost == 3


class Trouble(NamedTuple):
    """What is done to the table, what undoes it, and what the store says meanwhile."""

    done: str
    undone: str
    said: str


# fmt: off
TROUBLES = {
    "store-full": Trouble(
        "ALTER TABLE events MODIFY SETTING min_free_disk_bytes_to_perform_insert = 100000000000000",
        "ALTER TABLE events RESET SETTING min_free_disk_bytes_to_perform_insert",
        "Code: 243."),
    "too-many-parts": Trouble(
        "ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1",
        "ALTER TABLE events RESET SETTING parts_to_throw_insert, parts_to_delay_insert",
        "Code: 252."),
    "aggregate-throws": Trouble(
        "ALTER TABLE events ADD PROJECTION throws "
        "(SELECT channel, sum(intDiv(1, toUInt8(value > 100))) GROUP BY channel)",
        "ALTER TABLE events DROP PROJECTION throws",
        "Code: 153."),
    "view-throws": Trouble(  # the rows land all the same, and the client gets the error
        "CREATE MATERIALIZED VIEW throws ENGINE = SummingMergeTree ORDER BY channel AS "
        "SELECT channel, sum(intDiv(1, toUInt8(value > 100))) AS n FROM events GROUP BY channel",
        "DROP VIEW throws",
        "pushing to view"),
    "table-away": Trouble(
        "RENAME TABLE events TO events_away",
        "RENAME TABLE events_away TO events",
        "Code: 60."),
}
# fmt: on


@pytest.mark.parametrize("name", TROUBLES)
def test_the_store_itself_refuses(centre: Centre, name: str) -> None:
    """Real trouble of the real table: nothing is committed while it lasts, nothing lost after."""
    trouble = TROUBLES[name]
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    centre.wait(centre.drained)
    committed = sum(centre.produced.values())
    centre.client.command(trouble.done)
    try:
        centre.produce(EVENTS // 2)
        centre.wait(
            lambda: worker.log().count(trouble.said) >= 2 or centre.committed() != committed,
            why=trouble.said,
        )
        assert centre.committed() == committed, "nothing is committed that is not in the table"
    finally:
        centre.client.command(trouble.undone)
    centre.judge(f"{name}: the store said {trouble.said.strip('.')} until it was mended")
    assert worker.running


def test_wrong_password(centre: Centre) -> None:
    """The store itself says 401: somebody has changed the password, then changes it back."""
    refused = 0

    async def rotated(asked: Asked) -> web.Response | None:
        nonlocal refused
        if not asked.table:
            return await asked.forward()
        answer = await asked.forward(password="changed")
        assert answer.status in (401, 403, 500), answer.status
        refused += 1
        return answer

    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    centre.wait(centre.drained)
    committed = centre.committed()
    centre.proxy.rule = rotated
    centre.produce(EVENTS // 2)
    centre.wait(lambda: refused >= 3)
    assert centre.committed() == committed
    centre.restore()
    centre.judge(f"the store refused the password {refused} times")
    assert worker.running


REFUSALS = {
    "memory": refusal(241, "Memory limit exceeded"),
    "bad gateway": web.Response(status=502, text="Bad Gateway"),
    "throttled": web.Response(status=429, text="Too Many Requests"),
    "no answer": None,
}  # fmt: skip


def test_refusals_on_the_way_wait_and_never_drop(centre: Centre) -> None:
    """One refusal after another, then the store gives in. Nothing is committed meanwhile."""
    left = list(REFUSALS)

    async def refuse(asked: Asked) -> web.Response | None:
        if asked.table == "events" and left:
            said = REFUSALS[left.pop(0)]
            if said is None:
                return None
            return web.Response(status=said.status, body=said.body, headers=said.headers)
        return await asked.forward()

    centre.proxy.rule = refuse
    worker = centre.worker()
    before = centre.rows()
    centre.produce(EVENTS // 2)
    centre.wait(lambda: not left or centre.rows() > before)
    assert not left
    assert centre.rows() == before
    assert not centre.drained()
    centre.judge(f"refused on the way: {', '.join(REFUSALS)}")
    assert worker.running


def test_the_store_is_killed_and_restarts(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, EVENTS // 2, times=1)
    centre.store.end(signal.SIGKILL)
    centre.produce(EVENTS)
    time.sleep(1)  # the outage lasts a while
    centre.start_store()
    centre.judge("store killed under load and restarted")
    assert worker.running
