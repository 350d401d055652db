"""Runs the tiles once a tick for each region somebody watches, whoever watches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from ops.wall.hub import Hub, encode
from ops.wall.metrics import metric
from ops.wall.store import Store, StoreDown
from ops.wall.tiles import TILES, Scope, Tile, parameters

log = logging.getLogger(__name__)
TICK_SECONDS = 2.0
IDLE_SECONDS = 60.0  # a region nobody asked for that long is no longer queried
TILE_SECONDS = 10.0  # a query that takes longer counts as no answer


class Feed:
    """What the wall shows of one region: the newest tiles, and the hub that spreads them."""

    def __init__(self, scope: Scope, store: Store, epoch: str, facts: Mapping[str, Any]) -> None:
        self.scope, self.hub = scope, Hub(epoch, f"wall:{scope.area or 'city'}")
        self.asked_ms = 0
        self._store, self._facts = store, facts
        self._tiles: dict[str, Any] = {}
        self._ran_ms: dict[str, int] = {}
        self._at_ms, self._down_ms = 0, 0
        self._round = asyncio.Lock()

    @property
    def good(self) -> bool:
        return bool(self._tiles) and not self._down_ms

    async def first(self, now_ms: int) -> None:
        """Have data at all: waits for a first round that is under way, or makes it."""
        async with self._round:
            if not self._at_ms:
                await self._refresh(now_ms)

    async def refresh(self, now_ms: int) -> None:
        """Run the tiles that are due and tell the screens what changed."""
        async with self._round:
            await self._refresh(now_ms)

    async def _refresh(self, now_ms: int) -> None:
        due = [t for t in TILES if now_ms - self._ran_ms.get(t.name, 0) >= t.every * 1000 - 50]
        changed: dict[str, Any] = {}
        failed = False
        for tile in due:  # one after the other: the wall must not crowd out the writers
            try:
                value = await self._ask(tile, now_ms)
            except StoreDown as error:
                log.warning("tile %s: %s", tile.name, error)
                metric("gridwhistle_wall_tile_errors_total").labels(tile.name).inc()
                failed = True
                break  # the others would only wait for the same silence
            self._ran_ms[tile.name] = now_ms
            if self._tiles.get(tile.name) != value:
                changed[tile.name] = value
        self._tiles = self._tiles | changed  # at once: a snapshot is of one round
        self._down_ms = (self._down_ms or now_ms) if failed else 0
        self._at_ms = now_ms
        self.hub.publish("tick", self._head() | {"tiles": changed})

    def snapshot(self) -> dict[str, Any]:
        """Everything the wall shows. ``at_ms`` is the moment of the last tick."""
        return self._head() | dict(self._facts) | {"tiles": self._tiles}

    def frame(self) -> bytes:
        return encode("snapshot", self.snapshot(), self.hub.last_id)

    def _head(self) -> dict[str, Any]:
        freshness = self._tiles.get("freshness", {})
        return {
            "at_ms": self._at_ms,
            "seq": self.hub.seq,
            "simulated": bool(freshness.get("simulated", False)),
            "store": {"ok": not self._down_ms, "down_since_ms": self._down_ms},
        }

    async def _ask(self, tile: Tile, now_ms: int) -> Any:
        with metric("gridwhistle_wall_tile_seconds").labels(tile.name).time():
            try:
                rows = await asyncio.wait_for(
                    self._store.rows(tile.sql, parameters(now_ms, self.scope.area)), TILE_SECONDS
                )
            except TimeoutError as error:
                raise StoreDown(f"no answer within {TILE_SECONDS:g} s") from error
        return tile.decode(rows, self.scope)


class Feeds:
    """The feeds of all regions. The whole city's runs always; others while somebody watches."""

    def __init__(
        self,
        make: Callable[[str], Feed],
        clock_ms: Callable[[], int],
        tick: float = TICK_SECONDS,
    ) -> None:
        self._make, self._clock_ms, self._tick = make, clock_ms, tick
        self._feeds: dict[str, Feed] = {"": make("")}
        self.ticked_ms = 0  # last whole round in which the store answered

    async def of(self, area: str) -> Feed:
        """The region's feed, with data in it if the store answers."""
        feed = self._feeds.get(area)
        if feed is None:
            feed = self._feeds[area] = self._make(area)
        feed.asked_ms = self._clock_ms()
        await feed.first(feed.asked_ms)
        return feed

    async def run(self) -> None:
        """Tick until cancelled. An error in one region's round is logged, never the end."""
        while True:
            started = asyncio.get_running_loop().time()
            for area, feed in list(self._feeds.items()):
                now_ms = self._clock_ms()
                idle = now_ms - feed.asked_ms > IDLE_SECONDS * 1000
                if area and idle and not feed.hub.watchers:
                    del self._feeds[area]
                    continue
                try:
                    await feed.refresh(now_ms)
                except Exception:
                    log.exception("round of the wall failed")
                    continue
                if not area:
                    self._note(feed, now_ms)
            spent = asyncio.get_running_loop().time() - started
            await asyncio.sleep(max(0.1, self._tick - spent))

    def close(self) -> None:
        for feed in self._feeds.values():
            feed.hub.close()

    def _note(self, feed: Feed, now_ms: int) -> None:
        """The newest event grows older while the store is away, too: an alert waits for that."""
        if feed.good:
            self.ticked_ms = now_ms
        newest = feed.snapshot()["tiles"].get("freshness", {}).get("newest_event_ms", 0)
        metric("gridwhistle_wall_newest_event_age_seconds").set(
            max(0, now_ms - newest) / 1000 if newest else 0
        )
