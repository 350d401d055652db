"""Doors of the HTTP interface: which viewer may pass. Used as FastAPI dependencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from ops.wall.problem import Problem
from ops.wall.sessions import GUARD_HEADER, Sessions, Viewer


def sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


def wall_viewer(request: Request) -> Viewer:
    """A signed-in account or a wall. Figures and the map, never a case's text."""
    known = sessions(request)
    viewer = known.account(request) or known.wall(request)
    if viewer is None:
        raise Problem(401, "sign_in", "请登录，或用带令牌的地址打开大屏")
    return viewer


def account(request: Request) -> Viewer:
    """A signed-in account: may read cases of its area and, for a unit, its own cases only."""
    viewer = sessions(request).account(request)
    if viewer is None:
        raise Problem(401, "sign_in", "请先登录")
    return viewer


def guarded(request: Request) -> None:
    """Refuse what another site's page could have made the browser send."""
    if GUARD_HEADER not in request.headers:
        raise Problem(403, "header_missing", f"请求须带 {GUARD_HEADER} 请求头")


WallViewer = Annotated[Viewer, Depends(wall_viewer)]
SignedIn = Annotated[Viewer, Depends(account)]
Guarded = Depends(guarded)
