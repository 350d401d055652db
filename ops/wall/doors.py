"""Doors of the HTTP interface: which viewer may pass. Used as FastAPI dependencies."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import Depends, Request

from ops.wall.problem import Problem
from ops.wall.sessions import GUARD_HEADER, Sessions, Viewer

LOOPBACK = ("127.0.0.1", "::1")


def sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


async def wall_viewer(request: Request) -> Viewer:
    """A signed-in account, a wall (cookie or bearer token), or a screen of this machine where
    ``up`` allows it. Figures and the map, never a case's text."""
    known = sessions(request)
    viewer = known.account(request) or known.wall(request) or await _basic(request)
    if viewer is None and request.app.state.local_wall and _from_this_machine(request):
        viewer = Viewer("wall", "local")
    if viewer is None:
        raise Problem(401, "sign_in", "请登录，或用带令牌的地址打开大屏")
    return viewer


async def account(request: Request) -> Viewer:
    """A signed-in account: may read cases of its area and, for a unit, its own cases only.
    Scripts send account and password with each request (HTTP Basic)."""
    viewer = sessions(request).account(request) or await _basic(request)
    if viewer is None:
        raise Problem(401, "sign_in", "请先登录")
    return viewer


async def _basic(request: Request) -> Viewer | None:
    """Whom HTTP Basic names; None without it. Problem 401 or 429 when it is wrong."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id_, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:
        raise Problem(401, "sign_in", "Authorization 请求头无法读取") from error
    address = request.client.host if request.client else ""
    found = await sessions(request).sign_in(id_, password, address)
    return Viewer("account", found.id, found.role, found.unit, found.area)


def _from_this_machine(request: Request) -> bool:
    """Asked on loopback by its own name, and not on behalf of somebody behind a proxy."""
    if request.url.hostname not in (*LOOPBACK, "localhost"):
        return False  # a name of somebody else's that was made to point here
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
    return not forwarded and request.client is not None and request.client.host in LOOPBACK


def guarded(request: Request) -> None:
    """Refuse what another site's page could have made the browser send."""
    if GUARD_HEADER not in request.headers:
        raise Problem(403, "header_missing", f"请求须带 {GUARD_HEADER} 请求头")


WallViewer = Annotated[Viewer, Depends(wall_viewer)]
SignedIn = Annotated[Viewer, Depends(account)]
Guarded = Depends(guarded)
