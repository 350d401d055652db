"""Puts the wall's parts together into one application."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import orjson
from fastapi import APIRouter, FastAPI

from ops.wall import actions, alerting, health, leads, pages, reading, signing, wallapi, windows
from ops.wall.accounts import Secrets
from ops.wall.assets import asset, load
from ops.wall.feed import TICK_SECONDS, Feed, Feeds
from ops.wall.geo import Atlas, names
from ops.wall.headers import SafeHeaders
from ops.wall.hub import Hub
from ops.wall.outcomes import Outcomes
from ops.wall.problem import answer_with_problems
from ops.wall.sessions import Sessions
from ops.wall.store import Store
from schemas.profile import Profile

REMEMBER_LIVE = 256  # frames of the console kept for a page that comes back
ROUTERS = (
    health.router,
    pages.router,
    signing.router,
    wallapi.router,
    reading.router,
    alerting.router,
    actions.router,
    leads.router,
    windows.router,
)


@dataclass(frozen=True)
class Parts:
    """What the application stands on. Tests put fakes in; ``__main__`` the real ones."""

    profile: Profile
    store: Store
    secrets: Secrets
    send: actions.Send  # returns once Kafka has acknowledged, else KafkaUnavailable
    kafka_missing: Callable[[], Awaitable[str]]  # '' when Kafka answers, else what is wrong
    outcomes: Outcomes
    live: Hub
    intake: APIRouter | None = None  # connectors.inbound.http.intake_router(...)
    clock: Callable[[], float] = time.time  # epoch seconds
    tick: float = TICK_SECONDS
    local_wall: bool = False  # figures and map without a token for screens of this machine


def live_hub() -> Hub:
    """The hub of the console's stream. Its epoch differs after each start of the process."""
    return Hub(uuid4().hex[:8], "console", REMEMBER_LIVE)


def build_app(parts: Parts) -> FastAPI:
    """The application. AssetsMissing when the browser libraries were not built."""
    assets = load()
    atlas, epoch = Atlas(parts.profile), uuid4().hex[:8]

    def clock_ms() -> int:
        return int(parts.clock() * 1000)

    def feed(area: str) -> Feed:
        facts = {"area": area, "tick_seconds": parts.tick, "map": parts.profile.digest}
        return Feed(atlas.scope(area), parts.store, epoch, facts)

    feeds = Feeds(feed, clock_ms, parts.tick)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        ticking = asyncio.create_task(feeds.run())
        # A daemon: a stop must not wait for a map nobody will see.
        threading.Thread(target=atlas.document, args=("",), daemon=True).start()
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    app = FastAPI(
        title="Gridwhistle 网格吹哨",
        description="大屏、值班台与开放接口 / wall, console and HTTP interface",
        version="1",
        lifespan=running,
        docs_url=None,  # FastAPI's page loads from a CDN
        redoc_url=None,
    )
    state = app.state
    state.store, state.send, state.outcomes = parts.store, parts.send, parts.outcomes
    state.profile, state.atlas, state.feeds, state.live = parts.profile, atlas, feeds, parts.live
    state.sessions, state.local_wall = Sessions(parts.secrets, parts.clock), parts.local_wall
    state.kafka_missing, state.clock, state.assets = parts.kafka_missing, parts.clock, assets
    state.names = asset(orjson.dumps(names(parts.profile)), "application/json")
    answer_with_problems(app)
    for router in ROUTERS:
        app.include_router(router)
    if parts.intake is not None:
        app.include_router(parts.intake)
    app.add_middleware(SafeHeaders)
    return app


def close_streams(app: FastAPI) -> None:
    """End every event stream. Open streams would hold up a stop for ever."""
    app.state.feeds.close()
    app.state.live.close()
