"""The two pages and their files."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ops.wall.assets import Asset
from ops.wall.doors import sessions
from ops.wall.problem import Problem

router = APIRouter(include_in_schema=False)


@router.get("/")
async def wall(request: Request, token: str = "") -> Response:
    """The wall. A token in the address becomes a cookie and leaves the address bar."""
    if not token:
        return _page(request, "wall.html")
    answer = RedirectResponse(str(request.url.remove_query_params("token")), 303)
    if not sessions(request).open_wall(answer, token, request.url.scheme == "https"):
        raise Problem(401, "unknown_token", "大屏令牌无效或已撤销，请向管理员索取新的地址")
    return answer


@router.get("/console")
async def console(request: Request) -> Response:
    return _page(request, "console.html")


@router.get("/static/{path:path}")
async def static(request: Request, path: str) -> Response:
    if path not in request.app.state.assets:
        raise Problem(404, "no_page", f"没有 /static/{path}")
    return _page(request, path)


def _page(request: Request, path: str) -> Response:
    found: Asset = request.app.state.assets[path]
    return found.answer(request)
