"""The console's live stream: alerts and moves of cases, each to those who may see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from ops.wall.doors import SignedIn
from ops.wall.hub import HEADERS, Hub, Keep, Place, encode
from ops.wall.sessions import Viewer

router = APIRouter(prefix="/api/v1")


@router.get("/alerts/stream", summary="告警与案件变化 alerts and moves of cases, live")
async def stream(
    request: Request, viewer: SignedIn, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    """Events: ``alert``, ``change``, and ``resync`` (read the lists again), ``bye``."""
    hub: Hub = request.app.state.live
    frames = hub.stream(lambda: encode("resync", {}, hub.last_id), last_event_id, keep=sees(viewer))
    return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)


def sees(viewer: Viewer) -> Keep:
    """What this viewer may see: its area, and for a unit's account its own cases."""

    def keep(place: Place) -> bool:
        if viewer.own_unit and place.unit != viewer.own_unit:
            return False
        return place.village.startswith(viewer.area) or place.grid.startswith(viewer.area)

    return keep
