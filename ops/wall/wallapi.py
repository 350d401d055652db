"""What the wall display reads: snapshot, stream, map, words. Figures only, no case texts."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from ops.wall.assets import Asset
from ops.wall.doors import WallViewer
from ops.wall.feed import Feeds
from ops.wall.geo import Atlas
from ops.wall.hub import HEADERS
from ops.wall.reading import answer_json

router = APIRouter(prefix="/api/v1")
DAY_OLD = "private, max-age=0, must-revalidate"


@router.get("/wall/snapshot", summary="大屏数据快照 everything the wall shows, as of its last tick")
async def snapshot(request: Request, viewer: WallViewer) -> Response:
    """``tiles.by_grid`` has one count a grid in the order of ``/api/v1/geo/grids``."""
    feeds: Feeds = request.app.state.feeds
    return answer_json((await feeds.of(viewer.area)).snapshot())


@router.get("/wall/stream", summary="大屏数据流 the same as server-sent events")
async def stream(
    request: Request, viewer: WallViewer, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    """Events: ``snapshot`` (replaces), ``tick`` every 2 s (``tiles`` that changed), ``bye``."""
    feeds: Feeds = request.app.state.feeds
    feed = await feeds.of(viewer.area)
    frames = feed.hub.stream(feed.frame, last_event_id)
    return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)


@router.get("/geo/grids", summary="网格地图 grids and outlines as GeoJSON")
async def grids(request: Request, viewer: WallViewer) -> Response:
    atlas: Atlas = request.app.state.atlas
    document = await asyncio.to_thread(atlas.document, viewer.area)
    return document.answer(request, DAY_OLD)


@router.get("/names", summary="名称表 words of the profile: classes, units, areas, channels")
async def words(request: Request, viewer: WallViewer) -> Response:
    table: Asset = request.app.state.names
    return table.answer(request, DAY_OLD)
