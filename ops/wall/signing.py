"""Signing in and out, and who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ops.wall.doors import Guarded, sessions
from ops.wall.reading import answer_json
from ops.wall.sessions import Viewer

router = APIRouter(prefix="/api/v1")


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(max_length=40)]
    password: Annotated[str, Field(max_length=200, repr=False)]


@router.post("/login", dependencies=[Guarded], summary="登录 sign in; sets the session cookie")
async def login(request: Request, body: Login) -> Response:
    address = request.client.host if request.client else ""
    account = await sessions(request).sign_in(body.account, body.password, address)
    viewer = Viewer("account", account.id, account.role, account.unit, account.area)
    response = answer_json(_me(viewer))
    sessions(request).open(response, account, request.url.scheme == "https")
    return response


@router.post("/logout", dependencies=[Guarded], summary="退出 sign out")
async def logout(request: Request) -> Response:
    response = answer_json({})
    sessions(request).close(response)
    return response


@router.get("/me", summary="当前身份 who is asking")
async def me(request: Request) -> Response:
    """``kind`` is account, wall or nobody."""
    known = sessions(request)
    viewer = known.account(request) or known.wall(request)
    return answer_json(_me(viewer) if viewer else {"kind": "nobody"})


def _me(viewer: Viewer) -> dict[str, str]:
    fields = {"kind": viewer.kind, "role": viewer.role, "unit": viewer.unit, "area": viewer.area}
    return fields | {"account": viewer.id if viewer.kind == "account" else ""}
