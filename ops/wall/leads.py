"""Leads over HTTP: push a batch down, and how far its checks are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from connectors.kafka_address import KafkaUnavailable
from connectors.sqlfiles import read_sql
from ops.leads import BATCH, check, commands, from_items
from ops.wall.doors import Guarded, SignedIn
from ops.wall.problem import Problem
from ops.wall.reading import answer_json
from ops.wall.ruling import rules_of
from ops.wall.store import StoreDown
from schemas.case import Actor
from schemas.ids import village_of
from schemas.words import AREA_DIGITS

router = APIRouter(prefix="/api/v1")
MOST = 2_000  # leads of a request; longer batches come in several, under one name
DAY_MS = 86_400_000


class Batch(BaseModel):
    """Leads to push down: each ``{area, class_code, what, place?, device?, unit?, due?}``."""

    model_config = ConfigDict(extra="forbid")

    batch: Annotated[str, Field(pattern=BATCH)]
    leads: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST)]


@router.post(
    "/leads",
    dependencies=[Guarded],
    status_code=202,
    summary="下发线索 push leads down",
    responses={422: {"description": "something is wrong: `wrong` names line and field of each"}},
)
async def push(request: Request, viewer: SignedIn, body: Batch) -> Response:
    """202 with how many were sent. The same lead of the same batch is one, however often it comes.
    Nothing is sent while anything is wrong.
    """
    if viewer.role not in ("operator", "supervisor"):
        raise Problem(403, "not_allowed", "线索由值班员或督办员下发")
    if len(viewer.area) > AREA_DIGITS["town"]:
        raise Problem(403, "not_allowed", "线索由乡镇街道及以上下发")
    now = datetime.fromtimestamp(request.app.state.clock(), UTC)
    rules = await rules_of(request)
    lines = from_items(body.leads)
    if wrong := check(lines, rules, viewer.area, now):
        told = [one._asdict() for one in wrong[:100]]
        raise Problem(422, "leads", f"{len(wrong)} 处有误,一条也未下发:{wrong[0]}", wrong=told)
    actor = Actor.model_validate({"role": viewer.role, "id": viewer.id, "area": viewer.area})
    todo = commands(lines, body.batch, rules, rules.router, actor, now)
    try:
        for one in todo:
            key = village_of(one.case_no).encode()
            await request.app.state.send("case-commands", key, one.model_dump_json().encode())
    except KafkaUnavailable as error:
        raise Problem(
            503, "kafka_down", "消息总线暂不可用,请重试,不会重复下发", {"Retry-After": "5"}
        ) from error
    cases = [one.case_no for one in todo]
    return answer_json({"batch": body.batch, "pushed": len(todo), "cases": cases}, status=202)


@router.get("/leads", summary="线索核查进度 how far the checks of leads are, by area")
async def progress(
    request: Request,
    viewer: SignedIn,
    batch: Annotated[str, Query(max_length=40)] = "",
    level: Literal["county", "town", "village"] = "village",
    days: Annotated[int, Query(ge=1, le=3660)] = 90,
    simulated: bool = False,
) -> Response:
    """Pushed, checked, hazards, overdue of each area of a level within the account's own."""
    now_ms = int(request.app.state.clock() * 1000)
    asked = {
        "since_ms": now_ms - days * DAY_MS, "until_ms": now_ms + 1, "area": viewer.area,
        "digits": AREA_DIGITS[level], "batch": batch, "simulated": simulated,
    }  # fmt: skip
    try:
        rows = await request.app.state.store.rows(read_sql("reports/leads.sql"), asked)
    except StoreDown as error:
        raise Problem(
            503, "store_down", "数据库暂无响应，请稍后再试", {"Retry-After": "5"}
        ) from error
    return answer_json({"items": rows})
