"""A chunk decided in bulk comes to what its records come to one by one, down to the rows in the
store."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sqlfiles import read_sql
from ops.bench.feed import CALM
from schemas.event import EVENT_COLUMNS, Event
from schemas.profile_files import load_profile
from streams import decided as decided_module
from streams.chunks import Chunk
from streams.claims import Held
from streams.core.decide import Decider
from streams.core.quiet import STATES, Bulk
from streams.decided import Decided, decide_chunk
from streams.event_sink import EventRows, EventSink
from streams.learned import learned

NOW = 1_795_910_400_000  # 29 November 2026
TOPIC = "raw.fire"


@pytest.fixture(scope="module")
def bulk() -> Bulk:
    profile = load_profile("qinglan")
    return Bulk(Decider(profile, learned(profile)))


def record(offset: int, value: bytes | None, stamp: int = NOW) -> Any:
    return SimpleNamespace(offset=offset, timestamp=stamp, key=b"k", value=value, headers=[])


def chunk_of(values: list[bytes | None], first: int = 7, stamps: list[int] | None = None) -> Chunk:
    records = [
        record(first + n, value, stamps[n] if stamps else NOW) for n, value in enumerate(values)
    ]
    size = sum(len(value or b"") for value in values)
    return Chunk(TP(TOPIC, 1), records, first + len(values), size)


@cache
def devices() -> list[str]:
    fire = (d for d in load_profile("qinglan").devices.values() if d.channel == "fire_iot")
    return [device.device_id for device in fire]


def told(**what: object) -> bytes:
    body = {"channel": "fire_iot", "source": "s", "device_id": devices()[0], "id": "1"}
    return json.dumps(body | what).encode()


#: alarms, several statuses at once, an all-clear, unknown devices, packed and unreadable records
ODD: list[dict[str, object]] = [
    {"part": "system", "status": 3}, {"part": "system", "status": 0b1000111},
    {"part": "component", "status": 2}, {"part": "operation", "status": 8},
    {"part": "system", "status": 3, "device_id": "nobody"}, {"part": "none"},
    {"part": "analog", "analog_type": 6, "value": 40.0},
    {"part": "system", "status": 3, "test": True},
]  # fmt: skip

reports = st.builds(
    lambda what, name: told(**what, id=name),
    st.sampled_from([*CALM, *CALM, *ODD]), st.sampled_from([str(n) for n in range(9)]),
)  # fmt: skip
records = st.one_of(
    reports, reports, reports, st.none(), st.just(b"{"),
    st.lists(reports, max_size=3).map(lambda some: b"[" + b",".join(some) + b"]"),
)  # fmt: skip


def rows_of(out: Decided) -> list[Event]:
    mine = out.quiet.events() if out.quiet is not None else []
    return sorted([*mine, *out.events], key=lambda e: (e.offset, e.part))


def everything(out: Decided) -> tuple[Any, ...]:
    letters = [json.loads(body) | {"at": ""} for _, body in out.letters]
    # whether a normal state goes on to the cases: tests/decide/test_normal_states.py
    rows = [
        e._replace(disposition="recorded") if e.event_code in STATES else e for e in rows_of(out)
    ]
    reports = [e for e in out.reports if e.event_code not in STATES]
    return rows, sorted(out.filtered), letters, reports, out.reasons, out.bad


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.lists(records, min_size=1, max_size=12), max_size=3),
    done=st.integers(0, 9),
)  # fmt: skip
def test_bulk_or_one_by_one_a_chunk_comes_to_the_same(
    bulk: Bulk, values: list[list[bytes | None]], done: int
) -> None:
    """Over several chunks, so that repeats of earlier ones are recognised too."""
    one, all_at_once = Held(), Held()
    for held in (one, all_at_once):
        held.done, held.until = {(7, 0), (8, 0)} if done else set(), 7 + done if done else -1
    first = 7
    for some in values:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decided_module, "FAMILIES", {})
            want = decide_chunk(bulk, chunk_of(some, first), one, NOW)
        found = decide_chunk(bulk, chunk_of(some, first), all_at_once, NOW)
        assert want.quiet is None
        assert everything(found) == everything(want)
        first += len(some)


def test_a_repeat_within_a_chunk_is_filtered_whichever_way_it_was_decided(bulk: Bulk) -> None:
    calm, alarm = told(**CALM[0]), told(part="system", status=3)
    held = Held()
    out = decide_chunk(bulk, chunk_of([calm, alarm, calm]), held, NOW)
    assert out.quiet is not None
    assert [e.offset for e in out.quiet.events()] == [7]
    assert out.events == out.reports == []
    assert [(row[2], row[5]) for row in sorted(out.filtered)] == [(8, "repeat"), (9, "repeat")]


def stored(client: Client) -> list[Event]:
    columns = ", ".join(EVENT_COLUMNS)
    rows = client.query(f"SELECT {columns} FROM events ORDER BY offset, part").result_rows
    return [
        Event(*row)._replace(
            top3=tuple(row[EVENT_COLUMNS.index("top3")]),
            class_reasons=tuple(row[EVENT_COLUMNS.index("class_reasons")]),
        )
        for row in rows
    ]


def test_the_store_holds_the_events_as_they_were_decided(
    bulk: Bulk, new_store: Callable[[], Client]
) -> None:
    client = new_store()
    values: list[bytes | None] = [
        told(**what, id=f"编号{n}" if n % 7 == 0 else f"{n}", device_id=device,
             **({"occurred_at": "2026-11-22T08:00:07.125+08:00"} if n % 3 else {}))
        for n, (device, what) in enumerate(
            (device, what) for device in devices()[:40] for what in [*CALM, *ODD[:4]]
        )
    ]  # fmt: skip
    later = 4 * 86_400_000  # December
    stamps = [NOW + (later if n >= 300 else 0) for n in range(len(values))]
    held = Held()
    client.command(
        read_sql("ledger/claim.sql"), {"topics": [TOPIC], "partitions": [1], "writer": "me"}
    )
    sink = EventSink(None, writer=lambda: "me")  # type: ignore[arg-type]
    want: list[Event] = []
    batches = []
    for start in range(0, len(values), 50):
        cut = slice(start, start + 50)
        out = decide_chunk(bulk, chunk_of(values[cut], start, stamps[cut]), held, NOW + later)
        want += rows_of(out)
        batches.append(EventRows(out.quiet, out.events))
    blocks = sink._blocks(batches)
    assert [sink._size(block) for block in blocks] == [
        sum(e.ingest_ms == at for e in want) for at in (NOW, NOW + later)
    ]
    for n, block in enumerate(blocks):
        sink._insert_now(client, block, f"token{n}", "me")
        sink._insert_now(client, block, f"token{n}", "me")  # the answer got lost: it counts once
    single = {"confidence", "location_confidence"}  # Float32 there
    for mine, there in zip(want, stored(client), strict=True):
        for name in EVENT_COLUMNS:
            a, b = getattr(mine, name), getattr(there, name)
            assert a == (pytest.approx(b) if name in single else b), name
    assert len(want) > 300
