"""Every statement of the wall and the API on a real store; figures equal a count by hand."""

import asyncio
import re
from collections import Counter

import pytest

from connectors.sqlfiles import read_sql, sql_folder
from ops.wall.clickhouse import ClickHouse
from ops.wall.geo import Atlas
from ops.wall.reading import CaseFilters, EventFilters
from ops.wall.sessions import Viewer
from ops.wall.store import StoreDown
from ops.wall.tiles import DAY_MS, TILES, day_start, parameters
from schemas.event import EVENT

HOUR_MS = 3_600_000
PLACEHOLDER = re.compile(r"\{(\w+):[\w()]+\}")
FILES = sorted(
    p.relative_to(sql_folder(".")).as_posix()
    for d in ("tiles", "api")
    for p in sql_folder(d).glob("*.sql")
)  # fmt: skip


def ask(store, name, given):
    async def story():
        wall = ClickHouse(store.address("wall"))
        try:
            return await wall.rows(read_sql(name), given)
        finally:
            await wall.close()

    return asyncio.run(story())


def tile(store, name, area=""):
    (row,) = [t for t in TILES if t.name == name]
    scope = Atlas(store.profile).scope(area)
    return row.decode(ask(store, f"tiles/{name}.sql", parameters(store.now_ms, area)), scope)


def events(store, area="", opening=True, hours=24):
    """Events of the last clock hours by hand: those that open or join a case, or all."""
    first = (store.now_ms // HOUR_MS - hours + 1) * HOUR_MS
    return [
        h.event
        for h in store.happenings
        if h.event.ingest_ms >= first
        and h.event.village.startswith(area)
        and (h.event.disposition in ("case", "triage") or not opening)
    ]


def open_cases(store, area=""):
    last = [h.changes[-1].case for h in store.happenings if h.changes]
    return [c for c in last if c.closed_at is None and c.village.startswith(area)]


@pytest.mark.parametrize("file", FILES)
def test_each_statement_says_what_it_answers_and_names_its_parameters(file):
    text = read_sql(file)
    head = [line for line in text.split("\n") if line.startswith("-- ")]
    assert text.startswith("-- ")
    assert len(head) >= 2
    for name in set(PLACEHOLDER.findall(text)):
        assert re.search(rf"\b{name}\b", "\n".join(head)), f"{file} does not explain {name}"


@pytest.mark.parametrize("row", TILES, ids=lambda t: t.name)
@pytest.mark.parametrize("area", ["", "990101", "990101001", "no-such-area"])
def test_every_tile_answers_for_every_region(store, row, area):
    assert tile(store, row.name, area) is not None


def test_every_tile_file_is_in_the_table():
    assert {f"tiles/{t.name}.sql" for t in TILES} == {f for f in FILES if f.startswith("tiles/")}
    assert all("{area:String}" in t.sql for t in TILES)


@pytest.mark.parametrize("area", ["", "990101"])
def test_the_headline_counts_what_came_in_and_what_is_in_hand(store, area):
    found, day = tile(store, "headline", area), day_start(store.now_ms)
    today = [e for e in events(store, area, False) if e.ingest_ms >= day]
    cases = open_cases(store, area)
    closed = [
        c
        for h in store.happenings
        if h.changes
        and (c := h.changes[-1].case).closed_at
        and c.village.startswith(area)
        and c.closed_at.timestamp() * 1000 >= day
    ]
    assert found == {
        "received": sum(e.disposition == "case" for e in today),
        "signals": len(today),
        "emergencies_hour": sum(
            e.emergency and e.ingest_ms >= store.now_ms - HOUR_MS
            for e in events(store, area, False)
        ),
        "in_hand": len(cases),
        "yellow": sum(c.light == "yellow" for c in cases),
        "red": sum(c.light == "red" for c in cases),
        "overdue": sum(c.light == "red" for c in cases),
        "closed_today": len(closed),
        "on_time": len(closed),
    }


def test_a_case_that_had_been_red_is_not_closed_on_time(store):
    before = tile(store, "headline", "990102")
    for h in store.happenings:
        if h.changes and (c := h.changes[-1].case).closed_at and c.village.startswith("990102"):
            break
    rows = (
        f"SELECT * EXCEPT (version, move, stage, clock), 99 AS version, 'overdue' AS move, "
        f"'red' AS stage, 'handle' AS clock FROM case_changes WHERE case_no = '{c.case_no}' LIMIT 1"
    )
    columns = "* EXCEPT (version, move, stage, clock), version, move, stage, clock"
    store.client.command(f"INSERT INTO case_changes ({columns}) {rows}")
    after = tile(store, "headline", "990102")
    late_today = c.closed_at.timestamp() * 1000 >= day_start(store.now_ms)
    assert after["on_time"] == before["on_time"] - late_today
    assert after["closed_today"] == before["closed_today"]


@pytest.mark.parametrize("area", ["", "990101"])
def test_the_map_the_channels_and_the_classes_count_the_same_events(store, area):
    mine = events(store, area)
    assert sum(tile(store, "by_grid", area)) == len(mine)
    by_channel = {r["channel"]: r["events"] for r in tile(store, "by_channel", area)}
    assert by_channel == Counter(e.channel for e in mine)
    by_class = {r["major"]: r["events"] for r in tile(store, "by_class", area)}
    assert by_class == Counter(e.class_code[:2] for e in mine)


def test_the_trend_is_by_shanghai_hour(store):
    start = day_start(store.now_ms) - DAY_MS
    hand = Counter((e.ingest_ms - start) // HOUR_MS for e in events(store, hours=50))
    found = tile(store, "trend_24h")
    assert found["yesterday"] + found["today"] == [hand[h] for h in range(48)]


def test_the_most_overdue_case_stands_first(store):
    rows = tile(store, "lights")
    lit = [c for c in open_cases(store) if c.light]
    assert {r["case_no"] for r in rows} == {c.case_no for c in lit}
    order = [(r["light"] != "red", r["due_ms"]) for r in rows]
    assert order == sorted(order)
    assert rows
    assert not {"title", "text"} & set(rows[0])


def test_points_on_the_map_are_the_open_lights(store):
    rows = tile(store, "lights_by_grid")
    lit = Counter(c.light for c in open_cases(store))
    assert sum(r[1] for r in rows) == lit["red"]
    assert sum(r[2] for r in rows) == lit["yellow"]


def test_the_latest_alerts_are_newest_first_and_no_exercise(store):
    rows = tile(store, "alerts")
    made = {a.alert_id for h in store.happenings for a in h.alerts}
    assert {r["alert_id"] for r in rows} <= made
    stamps = [r["created_ms"] for r in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert stamps
    assert "title" not in rows[0]


def test_freshness_names_the_newest_event_and_says_it_is_simulated(store):
    found = tile(store, "freshness")
    assert found["newest_event_ms"] >= max(e.ingest_ms for e in events(store, opening=False))
    assert found["simulated"] is True
    assert tile(store, "freshness", "no-such-area")["newest_event_ms"] == 0


class TestApi:
    def events(self, store, viewer=Viewer("account", "a", "operator"), **filters):  # noqa: B008
        given = EventFilters(limit=500, **filters).parameters(viewer, store.now_ms, 7)
        given |= {"disposition": "", "before_ms": 1 << 61, "before_id": ""}
        return ask(store, "api/events.sql", given)

    def cases(self, store, viewer=Viewer("account", "a", "operator"), **more):  # noqa: B008
        filters = CaseFilters(limit=500, q=more.pop("q", ""))
        given = filters.parameters(viewer, store.now_ms, 90)
        given |= {"states": [], "lights": [], "open": -1, "batch": "", "order": "newest"}
        given |= {"before_key": 1 << 61, "before_no": ""} | more
        return ask(store, "api/cases.sql", given)

    def test_events_by_filters(self, store):
        rows = self.events(store, channel="fire_iot")
        hand = [h.event for h in store.happenings if h.event.channel == "fire_iot"]
        assert [r["event_id"] for r in rows] == [
            e.event_id for e in sorted(hand, key=lambda e: (-e.ingest_ms, e.event_id))
        ]
        one = hand[0]
        assert one.event_id in {r["event_id"] for r in self.events(store, village=one.village)}
        assert {r["class_code"][:2] for r in self.events(store, **{"class": "02"})} == {"02"}
        assert self.events(store, q=one.event_id)[0]["event_id"] == one.event_id
        assert self.events(store, simulated="false") == []
        assert all(r["test"] for r in self.events(store, test="true"))

    def test_each_sees_its_own(self, store):
        county = self.events(store, Viewer("account", "a", "operator", area="990101"))
        assert county
        assert {r["county"] for r in county} == {"990101"}
        unit = open_cases(store)[0].unit
        rows = self.cases(store, Viewer("account", "u", "unit", unit))
        assert {r["unit"] for r in rows} == {unit}

    def test_cases_by_filters_and_in_pages(self, store):
        lit = {c.case_no for c in open_cases(store) if c.light == "red"}
        rows = self.cases(store, lights=["red"], open=1, order="due")
        assert {r["case_no"] for r in rows} == lit
        assert [r["due_ms"] for r in rows] == sorted(r["due_ms"] for r in rows)
        middle = rows[len(rows) // 2]
        page = self.cases(store, lights=["red"], open=1, order="due",
                          before_key=middle["sort_key"], before_no=middle["case_no"])  # fmt: skip
        assert page == rows[len(rows) // 2 + 1 :]
        assert self.cases(store, states=["signed"], open=1)
        assert all(r["closed_ms"] for r in self.cases(store, open=0))

    def test_search_reads_the_text_of_a_case(self, store):
        wanted = open_cases(store)[0]
        assert wanted.case_no in {r["case_no"] for r in self.cases(store, q=wanted.text)}
        assert [r["case_no"] for r in self.cases(store, q=wanted.case_no)] == [wanted.case_no]
        assert self.cases(store, q="没有这样的内容") == []

    def test_one_case_with_its_history_reports_and_alerts(self, store):
        h = next(h for h in store.happenings if h.alerts)
        key = {"case_no": h.event.case_no, "area": "", "unit_only": ""}
        (row,) = ask(store, "api/case.sql", key)
        assert row["version"] == 2
        assert ask(store, "api/case.sql", key | {"area": "9902"}) == []
        assert ask(store, "api/case.sql", key | {"unit_only": "another-unit"}) == []
        assert len(ask(store, "api/case.sql", key | {"unit_only": h.event.unit})) == 1
        history = ask(store, "api/case_history.sql", key)
        assert [r["version"] for r in history][:2] == [1, 2]
        since = {"opened_ms": h.event.ingest_ms}
        (report,) = ask(store, "api/case_reports.sql", key | since | {"event_ids": []})
        assert report["event_id"] == h.event.event_id
        joined = {"case_no": "another", "event_ids": [h.event.event_id, "unknown"]}
        assert ask(store, "api/case_reports.sql", since | joined) == [report]
        (row,) = ask(store, "api/event.sql", since | {"event_id": h.event.event_id})
        near = pytest.approx(h.event.confidence)  # a Float32 in the table
        assert EVENT.validate_python(row)._replace(confidence=near) == h.event
        (alert,) = ask(store, "api/case_alerts.sql", key | {"answers": []})
        assert (alert["alert_id"], alert["acknowledged"]) == (h.alerts[0].alert_id, 0)
        command = {"case_no": h.event.case_no, "command_id": h.changes[0].command_id}
        assert ask(store, "api/change_of_command.sql", command)

    def test_alerts_by_unit_with_the_state_of_their_case(self, store):
        alert = next(a for h in store.happenings for a in h.alerts)
        given = {
            "recipient": alert.recipient, "area": "", "unit_only": "", "since_ms": 0,
            "unacknowledged": 1, "before_ms": 1 << 61, "before_id": "", "limit": 500,
            "kind": "", "desks": 0, "desk_unit": "", "answers": [],
        }  # fmt: skip
        rows = ask(store, "api/alerts.sql", given)
        assert alert.alert_id in {r["alert_id"] for r in rows}
        assert {r["recipient"] for r in rows} == {alert.recipient}
        assert all(r["state"] for r in rows)
        assert ask(store, "api/alerts.sql", given | {"unit_only": "another-unit"}) == []

    def test_the_tables_are_there(self, store):
        assert ask(store, "api/alive.sql", {}) == [{"tables": 4}]


def test_the_walls_user_cannot_write(store):
    wall = ClickHouse(store.address("wall"))

    async def story():
        try:
            await wall.rows("INSERT INTO filtered (topic) VALUES ('x')", {})
        finally:
            await wall.close()

    with pytest.raises(StoreDown):
        asyncio.run(story())


def test_whole_hours_come_from_the_projection(store):
    """The figures of a city with millions of events a day must not read its rows every tick."""
    for name in ("by_channel", "by_class", "trend_24h"):
        sql = read_sql(f"tiles/{name}.sql")
        plan = store.client.query(f"EXPLAIN {sql}", parameters=parameters(store.now_ms, ""))
        assert any("by_hour" in row[0] for row in plan.result_rows), name
