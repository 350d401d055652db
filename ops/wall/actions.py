"""Actions of people on a case: a command is sent, and its writer's answer awaited."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from connectors.kafka_address import KafkaUnavailable
from connectors.sqlfiles import read_sql
from ops.wall.doors import Guarded, SignedIn
from ops.wall.metrics import metric
from ops.wall.outcomes import Outcomes
from ops.wall.problem import Problem, from_refusal
from ops.wall.reading import answer_json
from ops.wall.sessions import Viewer
from ops.wall.store import StoreDown
from schemas.case import Actor, Case, Change, Command, Outcome
from schemas.event import EVENT
from schemas.ids import command_id, village_of
from streams.core.reporting import report_of

router = APIRouter(prefix="/api/v1")
Send = Callable[[str, bytes, bytes], Awaitable[None]]
ANSWER_SECONDS = 2.0
KEY = re.compile(r"[\x21-\x7e]{8,200}")
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')

#: What people do. Reports, clears and overdues come from elsewhere.
Action = Literal[
    "register", "answer", "reject", "merge", "dispatch", "request_return", "grant_return",
    "refuse_return", "sign", "handle_in_grid", "whistle", "respond", "handle", "contact",
    "request_extension", "grant_extension", "refuse_extension", "suspend", "resume", "transfer",
    "escalate", "finish", "verify", "send_back", "follow_up", "close", "reopen", "acknowledge",
    "note", "rebase", "to_mediation", "assign", "mediate", "disagree", "agree", "perform", "breach",
    "refer", "recheck", "check", "push_again", "unmerge", "distinct",
]  # fmt: skip


class Promised(BaseModel):
    """An obligation of an agreement. ``what`` names no person; they are numbered in their order."""

    model_config = ConfigDict(extra="forbid")

    what: Annotated[str, Field(min_length=1, max_length=200)]
    due: AwareDatetime


class ActionBody(BaseModel):
    """What a person wants done. Which fields a move needs, ``GET /cases/{no}`` says."""

    model_config = ConfigDict(extra="forbid")

    move: Action
    reason: Annotated[str, Field(max_length=2000)] = ""
    unit: Annotated[str, Field(max_length=80)] = ""
    units: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    quorum: Annotated[int, Field(ge=0, le=20)] = 0
    class_code: Annotated[str, Field(pattern=r"^(\d{6})?$")] = ""
    alert_id: Annotated[str, Field(max_length=64)] = ""
    merged_into: Annotated[str, Field(max_length=40)] = ""
    distinct_from: Annotated[str, Field(max_length=40)] = ""
    event_id: Annotated[str, Field(max_length=40)] = ""  # unmerge: the report that leaves the case
    review_at: AwareDatetime | None = None
    obligations: Annotated[tuple[Promised, ...], Field(max_length=20)] = ()
    obligation: Annotated[str, Field(max_length=8)] = ""
    found: bool | None = None
    resolved: bool | None = None
    satisfaction: Annotated[int | None, Field(ge=1, le=5)] = None


@router.post(
    "/cases/{case_no}/actions",
    dependencies=[Guarded],
    summary="对案件执行操作 move a case",
    responses={
        202: {"description": "sent; its answer did not come within 2 s: look at the case again"},
        409: {"description": "not possible in the case's state"},
        412: {"description": "the case changed since If-Match"},
    },
)
async def act(
    request: Request,
    viewer: SignedIn,
    case_no: str,
    body: ActionBody,
    idempotency_key: Annotated[str, Header(description="the same key is done once")] = "",
    if_match: Annotated[str, Header(description='the case\'s version: "7"')] = "",
) -> Response:
    """200 with the new state and its ETag, 202 when the answer is late, else a problem."""
    command = build(viewer, case_no, body, idempotency_key, if_match, _now(request))
    if body.event_id:
        command = await _with_report(request, viewer, command, body)
    outcomes: Outcomes = request.app.state.outcomes
    with metric("gridwhistle_wall_action_seconds").time():
        outcome = outcomes.recent(command.command_id) or await _ask(request, outcomes, command)
    if outcome is None:
        change = await _change_in_store(request, command)
        if change is None:
            metric("gridwhistle_wall_actions_total").labels(body.move, "pending").inc()
            late = {"command_id": command.command_id, "case_no": case_no, "pending": True}
            return answer_json(late, status=202)
        outcome = Outcome(command_id=command.command_id, case_no=case_no, change=change)
    if outcome.refusal is not None:
        metric("gridwhistle_wall_actions_total").labels(body.move, "refused").inc()
        raise from_refusal(outcome.refusal)
    metric("gridwhistle_wall_actions_total").labels(body.move, "done").inc()
    return _done(outcome)


def build(
    viewer: Viewer, case_no: str, body: ActionBody, key: str, if_match: str, now: datetime
) -> Command:
    """The command of an action. Problem says what is missing or not allowed."""
    if viewer.role not in ("operator", "supervisor", "unit"):
        raise Problem(403, "not_allowed", "当前账号只能查看，不能操作案件")
    if not KEY.fullmatch(key):
        raise Problem(400, "idempotency_key", "须带 Idempotency-Key 请求头（8–200 个可见字符）")
    match = _ETAG.fullmatch(if_match) if if_match else None
    if if_match and match is None:
        raise Problem(400, "if_match", 'If-Match 须为案件版本，例如 "7"')
    try:
        village = village_of(case_no)
    except ValueError as error:
        raise Problem(404, "unknown_case", f"{case_no} 不是案件编号") from error
    if not (village.startswith(viewer.area) or viewer.area.startswith(village)):
        raise Problem(403, "not_allowed", f"案件不在本账号辖区 {viewer.area} 内")
    # The key is the person's own: two accounts that chose the same one do not meet.
    cause = f"{viewer.id}\x1f{key}"
    fields = body.model_dump(exclude={"move", "event_id"})
    who = {"role": viewer.role, "id": viewer.id, "unit": viewer.unit, "area": viewer.area}
    return Command(
        command_id=command_id(cause, body.move, case_no),
        case_no=case_no,
        move=body.move,
        at=now,
        actor=Actor.model_validate(who),
        expected_version=int(match[1]) if match else None,
        **fields,
    )


async def _with_report(
    request: Request, viewer: Viewer, command: Command, body: ActionBody
) -> Command:
    """The command with the report it is about, and the number of that report's own case."""
    if body.move != "unmerge":
        raise Problem(422, "field_missing", "event_id 只用于拆分（unmerge）")
    scope = {"case_no": command.case_no, "area": viewer.area, "unit_only": viewer.own_unit}
    store = request.app.state.store
    try:
        found = await store.rows(read_sql("api/case.sql"), scope)
        if not found:
            raise Problem(404, "unknown_case", f"没有案件 {command.case_no}")
        case = Case.model_validate_json(found[0]["body"])
        key = {"event_id": body.event_id, "opened_ms": int(case.opened_at.timestamp() * 1000)}
        rows = await store.rows(read_sql("api/event.sql"), key)
    except StoreDown as error:
        raise Problem(
            503, "store_down", "数据库暂无响应，请稍后再试", {"Retry-After": "5"}
        ) from error
    if not rows:
        raise Problem(422, "field_missing", f"没有报告 {body.event_id}（event_id）")
    event = EVENT.validate_python(rows[0])
    return command.model_copy(update={"report": report_of(event), "distinct_from": event.case_no})


async def _ask(request: Request, outcomes: Outcomes, command: Command) -> Outcome | None:
    send: Send = request.app.state.send
    future = outcomes.expect(command.command_id)
    try:
        key = village_of(command.case_no).encode()
        await send("case-commands", key, command.model_dump_json().encode())
        return await asyncio.wait_for(future, ANSWER_SECONDS)
    except TimeoutError:
        return None
    except KafkaUnavailable as error:
        # It may have arrived all the same: the same Idempotency-Key makes a retry harmless.
        raise Problem(
            503, "kafka_down", "消息总线暂不可用，操作可能未送达，请重试", {"Retry-After": "5"}
        ) from error
    finally:
        outcomes.forget(command.command_id, future)


async def _change_in_store(request: Request, command: Command) -> Change | None:
    """The change this command had caused before (a retry after its answer was missed)."""
    sql = read_sql("api/change_of_command.sql")
    ids = {"case_no": command.case_no, "command_id": command.command_id}
    try:
        rows = await request.app.state.store.rows(sql, ids)
    except StoreDown:
        return None
    return Change.model_validate_json(rows[0]["body"]) if rows else None


def _done(outcome: Outcome) -> Response:
    body: dict[str, Any] = {"command_id": outcome.command_id, "case_no": outcome.case_no}
    headers = {}
    if outcome.change is not None:
        body["change_id"] = outcome.change.change_id
    # A command sent again has no change of its own any more: its answer is how things stand.
    case = outcome.change.case if outcome.change is not None else outcome.case
    if case is not None:
        headers["ETag"] = f'"{case.version}"'
        body["case"] = orjson.loads(case.model_dump_json())
    return answer_json(body, headers)


def _now(request: Request) -> datetime:
    return datetime.fromtimestamp(request.app.state.clock(), UTC)
