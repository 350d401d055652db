"""Repair and test windows over HTTP: list, begin, end early."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from connectors.kafka_address import KafkaUnavailable
from connectors.sqlfiles import read_sql
from ops.wall.actions import ANSWER_SECONDS, KEY
from ops.wall.doors import Guarded, SignedIn
from ops.wall.problem import Problem
from ops.wall.reading import answer_json
from ops.wall.sessions import Viewer
from ops.wall.store import Row, StoreDown
from ops.windows import WrongWindow, checked, commands, places
from schemas.case import Actor
from schemas.ids import village_of
from schemas.profile import Profile
from schemas.window import Window
from streams.core.redact import redact

router = APIRouter(prefix="/api/v1")
DAY_MS = 86_400_000
Once = Annotated[str, Header(description="the same key is done once")]


class Begin(BaseModel):
    """A window to begin. ``target``: id of a device, building or grid, an area code, a kind of
    device or a channel; the last two within ``area`` ("" = the account's own)."""

    model_config = ConfigDict(extra="forbid")

    scope: Literal["device", "building", "grid", "area", "kind", "channel"]
    target: Annotated[str, Field(min_length=1, max_length=64)]
    area: Annotated[str, Field(pattern=r"^\d{0,15}$")] = ""
    events: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    start: AwareDatetime | None = None  # now
    end: AwareDatetime
    who: Annotated[str, Field(max_length=80)] = ""
    reason: Annotated[str, Field(min_length=2, max_length=500)]


@router.get("/windows", summary="检修窗口 repair windows, those that end last first")
async def listed(
    request: Request, viewer: SignedIn, days: Annotated[int, Query(ge=0, le=365)] = 7
) -> Response:
    """Planned, running, and over for at most ``days`` days, within the account's area; those of
    ``maintenance.tsv`` too (``source`` "profile"). Times in epoch milliseconds UTC.
    """
    now_ms = _now_ms(request)
    rows = await _rows(request, viewer, "", now_ms - days * DAY_MS)
    profile: Profile = request.app.state.profile
    rows = [row | {"source": "person"} for row in rows]
    rows += [
        one for one in _planned(profile, now_ms)
        if one["end_ms"] >= now_ms - days * DAY_MS and _concerns(one, viewer.area, profile)
    ]  # fmt: skip
    rows.sort(key=lambda row: (-row["end_ms"], row["window_id"]))
    return answer_json({"items": [row | {"name": _name(row, profile)} for row in rows]})


@router.post(
    "/windows", dependencies=[Guarded], status_code=201, summary="登记检修窗口 begin a window",
    responses={202: {"description": "sent; not every writer has answered within 2 s"}},
)  # fmt: skip
async def begin(
    request: Request, viewer: SignedIn, body: Begin, idempotency_key: Once = ""
) -> Response:
    """Alarms of what it covers are recorded only; those of emergencies go to a person."""
    cause = _allowed(viewer, idempotency_key)
    profile: Profile = request.app.state.profile
    now = datetime.fromtimestamp(request.app.state.clock(), UTC)
    area = (body.area or viewer.area) if body.scope in ("kind", "channel") else ""
    window = Window(
        window_id=f"w-{hashlib.sha256(cause.encode()).hexdigest()[:12]}", scope=body.scope,
        target=body.target, area=area, events=body.events, start=body.start or now, end=body.end,
        who=body.who, by=viewer.id, reason=redact(body.reason),
    )  # fmt: skip
    try:
        villages = places(checked(window, profile, now), profile)
    except WrongWindow as error:
        raise Problem(422, "window", str(error), field=error.field) from error
    _within(viewer, window, villages, profile)
    answered = await _send(request, viewer, window, villages, cause, now)
    return _told(window, villages, 201 if answered else 202)


@router.delete(
    "/windows/{window_id}", dependencies=[Guarded], summary="提前结束检修窗口 end a window now"
)
async def end(
    request: Request, viewer: SignedIn, window_id: str, idempotency_key: Once = ""
) -> Response:
    """200 once the writers have answered, 202 before; 409 when it is over, or of the profile."""
    cause = _allowed(viewer, idempotency_key)
    profile: Profile = request.app.state.profile
    if any(row.window_id == window_id for row in profile.maintenance):
        raise Problem(409, "window_of_profile", "此窗口写在 maintenance.tsv 中,请修改该文件")
    rows = await _rows(request, viewer, window_id, 0)
    if not rows:
        raise Problem(404, "unknown_window", f"没有检修窗口 {window_id}")
    row, now = rows[0], datetime.fromtimestamp(request.app.state.clock(), UTC)
    if row["state"] == "over":
        raise Problem(409, "window_over", "该检修窗口已经结束")
    start = min(datetime.fromtimestamp(row["start_ms"] / 1000, UTC), now)
    fields = {k: row[k] for k in ("window_id", "scope", "target", "area", "who", "reason")}
    window = Window(**fields, events=tuple(row["events"]), start=start, end=now, by=viewer.id)
    villages = tuple(row["villages"])
    _within(viewer, window, villages, profile)
    answered = await _send(request, viewer, window, villages, cause, now)
    return _told(window, villages, 200 if answered else 202)


def _allowed(viewer: Viewer, key: str) -> str:
    """What makes a command the same when it is sent again. Problem: not by this account."""
    if viewer.role not in ("operator", "supervisor"):
        raise Problem(403, "not_allowed", "检修窗口由值班员或督办员登记")
    if not KEY.fullmatch(key):
        raise Problem(400, "idempotency_key", "须带 Idempotency-Key 请求头（8–200 个可见字符）")
    return f"{viewer.id}\x1f{key}"


def _within(viewer: Viewer, window: Window, villages: tuple[str, ...], profile: Profile) -> None:
    """A window may not reach beyond the area of whoever begins or ends it."""
    reach = _reach(window.scope, window.target, window.area, profile)
    if not reach.startswith(viewer.area) or not all(
        village.startswith(viewer.area[:12]) for village in villages
    ):
        raise Problem(403, "not_allowed", f"检修范围超出本账号辖区 {viewer.area}")


def _reach(scope: str, target: str, area: str, profile: Profile) -> str:
    """Code of the area a window lies in; "" = the city, or its target is no longer enrolled."""
    tables: dict[str, Any] = {"device": profile.devices, "building": profile.places}
    known = tables.get(scope, {})
    if target in known:
        return str(known[target].grid)
    return target if scope in ("grid", "area") else area


async def _send(
    request: Request, viewer: Viewer, window: Window, villages: tuple[str, ...], cause: str,
    now: datetime,
) -> bool:  # fmt: skip
    """Whether every village's writer has answered in time."""
    state = request.app.state
    who = {"role": viewer.role, "id": viewer.id, "unit": viewer.unit, "area": viewer.area}
    todo = commands(window, villages, cause, Actor.model_validate(who), now)
    waits = {one.command_id: state.outcomes.expect(one.command_id) for one in todo}
    try:
        await asyncio.gather(*(
            state.send("case-commands", village_of(one.case_no).encode(),
                       one.model_dump_json().encode())
            for one in todo
        ))  # fmt: skip
        _, late = await asyncio.wait(waits.values(), timeout=ANSWER_SECONDS)
        return not late
    except KafkaUnavailable as error:
        raise Problem(
            503,
            "kafka_down",
            "消息总线暂不可用,请用同一 Idempotency-Key 重试",
            {"Retry-After": "5"},
        ) from error
    finally:
        for id_, future in waits.items():
            state.outcomes.forget(id_, future)


def _told(window: Window, villages: tuple[str, ...], status: int) -> Response:
    body: dict[str, Any] = window.model_dump(mode="json") | {"villages": list(villages)}
    return answer_json(body, status=status)


async def _rows(request: Request, viewer: Viewer, window_id: str, since_ms: int) -> list[Row]:
    asked = {"window_id": window_id, "area": viewer.area, "since_ms": since_ms,
             "now_ms": _now_ms(request)}  # fmt: skip
    try:
        rows: list[Row] = await request.app.state.store.rows(read_sql("api/windows.sql"), asked)
    except StoreDown as error:
        raise Problem(
            503, "store_down", "数据库暂无响应，请稍后再试", {"Retry-After": "5"}
        ) from error
    return rows


def _planned(profile: Profile, now_ms: int) -> list[Row]:
    """Windows of maintenance.tsv as rows of the list."""
    found: list[Row] = []
    for one in profile.maintenance:
        start, end = (int(at.timestamp() * 1000) for at in (one.start, one.end))
        state = "over" if end <= now_ms else "planned" if start > now_ms else "running"
        found.append({
            "window_id": one.window_id, "scope": one.scope, "target": one.target, "area": "",
            "events": list(one.events), "start_ms": start, "end_ms": end, "who": one.who, "by": "",
            "reason": one.reason, "villages": [], "state": state, "source": "profile",
        })  # fmt: skip
    return found


def _concerns(row: Row, area: str, profile: Profile) -> bool:
    reach = _reach(row["scope"], row["target"], row["area"], profile)
    return reach.startswith(area) or area.startswith(reach)


def _name(row: Row, profile: Profile) -> str:
    """What people call the target; its id when it has no name."""
    target = row["target"]
    tables: dict[str, Any] = {
        "device": profile.devices, "building": profile.places, "grid": profile.areas,
        "area": profile.areas, "channel": profile.channels,
    }  # fmt: skip
    known = tables.get(row["scope"], {}).get(target)
    if row["scope"] == "grid" and known is not None and known.parent in profile.areas:
        return profile.areas[known.parent].name + str(known.name)
    return known.name if known is not None else str(target)


def _now_ms(request: Request) -> int:
    return int(request.app.state.clock() * 1000)
