"""Tiles run once a tick for each region; changes are told, silence of the store is said."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from ops.wall.feed import IDLE_SECONDS, Feed, Feeds
from ops.wall.store import StoreDown
from ops.wall.tiles import TILES, Scope, day_start, fresh, hours, on_map, parameters, points
from tests.wall.conftest import EMPTY_CITY, FakeStore

NOW = 1_795_300_000_000  # 2026-11-22 06:26:40 in Shanghai
SCOPE = Scope("", {"g1": 0, "g2": 1})


@pytest.fixture
def store():
    it = FakeStore()
    it.answers |= EMPTY_CITY
    return it


def feed(store, area=""):
    return Feed(Scope(area, SCOPE.grids), store, "epoch", {"area": area})


def test_a_round_runs_every_tile_with_the_region_as_a_parameter(store):
    it = feed(store, "990102")
    asyncio.run(it.refresh(NOW))
    assert len(store.asked) == len(TILES)
    assert {p["area"] for _, p in store.asked} == {"990102"}
    assert {p["now_ms"] for _, p in store.asked} == {NOW}
    assert set(it.snapshot()["tiles"]) == {t.name for t in TILES}


def test_tiles_run_at_their_own_pace(store):
    it = feed(store)
    asyncio.run(it.refresh(NOW))
    store.asked.clear()
    asyncio.run(it.refresh(NOW + 2000))
    assert len(store.asked) == sum(t.every <= 2 for t in TILES)


def test_a_tick_tells_only_what_changed(store):
    async def story():
        it = feed(store)
        await it.refresh(NOW)
        told = []
        it.hub.publish = lambda event, data: told.append(data["tiles"])
        await it.refresh(NOW + 60_000)
        store.answers["in each grid: the colour of the map"] = [{"grid": "g2", "events": 3}]
        await it.refresh(NOW + 120_000)
        assert told == [{}, {"by_grid": [0, 3]}]

    asyncio.run(story())


def test_when_the_store_fails_the_figures_stay_and_it_is_said_since_when(store):
    async def story():
        it = feed(store)
        await it.refresh(NOW)
        before = it.snapshot()["tiles"]
        store.down = "connection refused"
        await it.refresh(NOW + 2000)
        await it.refresh(NOW + 4000)
        assert it.snapshot()["store"] == {"ok": False, "down_since_ms": NOW + 2000}
        assert it.snapshot()["tiles"] == before
        assert not it.good
        store.down = ""
        await it.refresh(NOW + 6000)
        assert it.snapshot()["store"] == {"ok": True, "down_since_ms": 0}
        assert it.good

    asyncio.run(story())


def test_simulated_data_is_said_in_the_frame(store):
    it = feed(store)
    asyncio.run(it.refresh(NOW))
    assert it.snapshot()["simulated"] is False
    store.answers["How fresh the store is"] = [
        {"newest_event_ms": NOW, "newest_case_ms": 0, "recent": 10, "simulated": 1}
    ]
    asyncio.run(it.refresh(NOW + 2000))
    assert it.snapshot()["simulated"] is True


def test_a_region_is_queried_only_while_somebody_watches(store):
    async def story():
        now = NOW
        made = []

        def make(area):
            made.append(area)
            return feed(store, area)

        feeds = Feeds(make, lambda: now, tick=0.01)
        (await feeds.of("990102"))
        assert await feeds.of("990102") is await feeds.of("990102")
        running = asyncio.create_task(feeds.run())
        while not feeds.ticked_ms:
            await asyncio.sleep(0)
        now += int(IDLE_SECONDS * 1000) + 1
        while "990102" in feeds._feeds:
            await asyncio.sleep(0.01)
        running.cancel()
        assert made == ["", "990102"]
        assert "" in feeds._feeds

    asyncio.run(asyncio.wait_for(story(), 10))


def test_an_error_in_a_round_does_not_end_the_ticking(store, caplog):
    async def story():
        feeds = Feeds(lambda area: feed(store, area), lambda: NOW, tick=0.01)
        store.answers["The headline figures"] = []  # not the one row there always is
        running = asyncio.create_task(feeds.run())
        while not caplog.records:
            await asyncio.sleep(0.01)
        assert feeds.ticked_ms == 0
        store.answers |= EMPTY_CITY
        while not feeds.ticked_ms:
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_the_newest_event_grows_older_while_the_store_is_away(store):
    async def story():
        now = NOW + 1000
        store.answers["How fresh the store is"] = [
            {"newest_event_ms": NOW, "newest_case_ms": 0, "recent": 10, "simulated": 0}
        ]
        feeds = Feeds(lambda area: feed(store, area), lambda: now, tick=0.01)
        running = asyncio.create_task(feeds.run())
        while not feeds.ticked_ms:
            await asyncio.sleep(0.01)
        store.down = "connection refused"
        now += 899_000
        while age() != 900:
            await asyncio.sleep(0.01)
        running.cancel()
        assert feeds.ticked_ms == NOW + 1000

    def age():
        return REGISTRY.get_sample_value("gridwhistle_wall_newest_event_age_seconds")

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_query_that_never_ends_counts_as_no_answer(store, monkeypatch):
    async def never(sql, parameters):
        await asyncio.Event().wait()

    monkeypatch.setattr("ops.wall.feed.TILE_SECONDS", 0.01)
    store.rows = never
    it = feed(store)
    asyncio.run(it.refresh(NOW))
    assert it.snapshot()["store"]["ok"] is False
    with pytest.raises(StoreDown):
        asyncio.run(it._ask(TILES[0], NOW))


class TestDecoding:
    def test_the_day_starts_at_midnight_in_shanghai(self):
        assert day_start(NOW) == 1_795_276_800_000  # 2026-11-22T00:00+08:00
        assert parameters(NOW, "9901")["today_ms"] == 1_795_276_800_000

    def test_counts_stand_in_the_order_of_the_map(self):
        rows = [{"grid": "g2", "events": 4}, {"grid": "re-divided", "events": 9}]
        assert on_map(rows, SCOPE) == [0, 4]

    def test_lights_name_the_grid_by_its_place_on_the_map(self):
        rows = [
            {"grid": "g2", "red": 1, "yellow": 2, "emergencies": 3},
            {"grid": "gone", "red": 1, "yellow": 0, "emergencies": 0},
        ]
        assert points(rows, SCOPE) == [[1, 1, 2, 3]]

    def test_hours_of_yesterday_and_today(self):
        found = hours([{"hour": 0, "events": 1}, {"hour": 47, "events": 2}], SCOPE)
        assert found["yesterday"] == [1] + [0] * 23
        assert found["today"] == [0] * 23 + [2]

    @pytest.mark.parametrize(("recent", "gap"), [(0, 600.0), (1, 600.0), (300, 10.0), (6000, 0.5)])
    def test_the_silence_that_is_still_normal(self, recent, gap):
        row = {"newest_event_ms": 1, "newest_case_ms": 1, "recent": recent, "simulated": 0}
        assert fresh([row], SCOPE)["expected_gap_seconds"] == gap
