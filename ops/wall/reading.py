"""Reading events, cases and alerts: filters become parameters, never text of a statement."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from connectors.sqlfiles import read_sql
from ops.wall.doors import SignedIn
from ops.wall.problem import Problem
from ops.wall.ruling import rules_of
from ops.wall.sessions import Viewer
from ops.wall.store import Row, Store, StoreDown
from schemas.case import AlertKind, Case, Role
from schemas.profile import Profile
from streams.core.alerts import ANSWER_PAIRS
from streams.core.moves import MOVES
from streams.core.permits import offered
from streams.core.rules import Rules

router = APIRouter(prefix="/api/v1")
FAR_MS = 1 << 61
DAY_MS = 86_400_000
Code = Annotated[str, Field(max_length=64)]
Flag = Literal["", "true", "false"]
_FLAGS = {"": -1, "true": 1, "false": 0}
_WORDS = re.compile(r"[a-z_]{0,40}(,[a-z_]{1,40}){0,30}")


class Filters(BaseModel):
    """Filters events and cases share. Times are ISO 8601 with a zone, or epoch milliseconds."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    channel: Code = ""
    class_: Annotated[str, Field(alias="class", pattern=r"^\d{0,6}$")] = ""
    grade: Annotated[int, Field(ge=0, le=4)] = 0
    county: Code = ""
    village: Code = ""
    grid: Code = ""
    unit: Code = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    q: Annotated[str, Field(max_length=100)] = ""
    simulated: Flag = ""
    test: Flag = "false"
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str, Field(max_length=200)] = ""

    def parameters(self, viewer: Viewer, now_ms: int, days: int) -> dict[str, object]:
        """Parameters of the statement. Without ``since``, the last ``days`` are read."""
        return {
            "channel": self.channel, "class": self.class_, "grade": self.grade,
            "county": self.county, "village": self.village, "grid": self.grid,
            "unit": self.unit, "q": self.q.strip(), "limit": self.limit,
            "simulated": _FLAGS[self.simulated], "test": _FLAGS[self.test],
            "since_ms": _ms(self.since, now_ms - days * DAY_MS),
            "until_ms": _ms(self.until, now_ms + DAY_MS),
            "area": viewer.area, "unit_only": viewer.own_unit,
        }  # fmt: skip


class EventFilters(Filters):
    disposition: Annotated[str, Field(pattern=r"^[a-z]{0,20}$")] = ""


class CaseFilters(Filters):
    state: Annotated[str, Field(description="one or several, comma separated")] = ""
    light: Annotated[str, Field(description="yellow, red; comma separated")] = ""
    open: Flag = ""
    batch: Annotated[str, Field(max_length=40, description="of leads; * = any lead")] = ""
    order: Literal["newest", "due"] = "newest"


@router.get("/events", summary="事件查询 events by filters, newest first")
async def events(
    request: Request, viewer: SignedIn, filters: Annotated[EventFilters, Query()]
) -> Response:
    """Without ``since`` the last 7 days. ``next`` is the cursor of the next page, or null."""
    before = _cursor(filters.cursor)
    parameters = filters.parameters(viewer, _now(request), days=7) | {
        "disposition": filters.disposition, "before_ms": before[0], "before_id": before[1],
    }  # fmt: skip
    rows = await _rows(request, "events", parameters)
    return _page(rows, filters.limit, "ingest_ms", "event_id")


@router.get("/cases", summary="案件查询 cases by filters")
async def cases(
    request: Request, viewer: SignedIn, filters: Annotated[CaseFilters, Query()]
) -> Response:
    """Without ``since`` the last 90 days. ``next`` is the cursor of the next page, or null."""
    before = _cursor(filters.cursor)
    parameters = filters.parameters(viewer, _now(request), days=90) | {
        "states": _words("state", filters.state), "lights": _words("light", filters.light),
        "open": _FLAGS[filters.open], "order": filters.order, "batch": filters.batch,
        "before_key": before[0], "before_no": before[1],
    }  # fmt: skip
    rows = await _rows(request, "cases", parameters)
    return _page(rows, filters.limit, "sort_key", "case_no")


@router.get("/cases/{case_no}", summary="一件案件及其全部经过 one case with its whole history")
async def case(request: Request, viewer: SignedIn, case_no: str) -> Response:
    """``possible`` are the moves this account may make now, each with what it needs; ``proposed``
    the unit a dispatch goes to that names none."""
    scope: dict[str, object] = {
        "case_no": case_no, "area": viewer.area, "unit_only": viewer.own_unit,
    }  # fmt: skip
    found = await _rows(request, "case", scope)
    if not found:
        raise Problem(404, "unknown_case", f"没有案件 {case_no}，或不在您的辖区与单位范围内")
    whole = Case.model_validate_json(found[0]["body"])
    opened_ms = int(whole.opened_at.timestamp() * 1000)
    key: dict[str, object] = {"case_no": case_no, "opened_ms": opened_ms}
    profile: Profile = request.app.state.profile
    rules = await rules_of(request)
    place = profile.places.get(whole.building)
    grid = profile.areas.get(whole.grid)
    answer = {
        "case": whole.model_dump(mode="json", exclude={"commands"}),
        "county": found[0]["county"],
        "grid_name": grid.name if grid else "",
        "building_name": place.name if place else "",
        "possible": possible(whole, viewer, rules),
        "proposed": rules.proposed(whole),
        "history": await _rows(request, "case_history", key),
        "reports": await _rows(request, "case_reports", key | {"event_ids": list(whole.event_ids)}),
        "alerts": await _rows(request, "case_alerts", key | {"answers": list(ANSWER_PAIRS)}),
        "alarms": await _rows(request, "case_alarms", key),
    }
    return answer_json(answer, {"ETag": f'"{whole.version}"'})


@router.get("/alerts", summary="告警 alerts by unit, newest first")
async def alerts(
    request: Request,
    viewer: SignedIn,
    unit: Code = "",
    kind: AlertKind | Literal[""] = "",
    desks: bool = False,
    since: AwareDatetime | None = None,
    unacknowledged: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """``unit`` is a unit's id or ``desk-<area code>``; ``desks``: only those to duty desks. Without
    ``since`` the last 7 days. An alert is acknowledged by a person, or by a move that answers it: a
    unit that signs has seen what it was assigned.
    """
    before = _cursor(cursor)
    parameters: dict[str, object] = {
        "recipient": unit, "area": viewer.area, "unit_only": viewer.own_unit, "kind": kind,
        "desks": int(desks), "desk_unit": request.app.state.profile.station.desk_unit,
        "answers": list(ANSWER_PAIRS),
        "since_ms": _ms(since, _now(request) - 7 * DAY_MS), "unacknowledged": int(unacknowledged),
        "before_ms": before[0], "before_id": before[1], "limit": limit,
    }  # fmt: skip
    rows = await _rows(request, "alerts", parameters)
    return _page(rows, limit, "created_ms", "alert_id")


@router.get("/alarms", summary="设备告警处置 what became of devices' signals, newest first")
async def alarms(
    request: Request,
    viewer: SignedIn,
    event: Code = "",
    device: Code = "",
    case_no: Code = "",
    outcome: Code = "",
    building: Code = "",
    since: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Why a signal opened a case, joined one, was held, folded, bundled, confirmed or suppressed.
    Without ``since`` the last 7 days."""
    before = _cursor(cursor)
    parameters: dict[str, object] = {
        "event_id": event, "device_id": device, "case_no": case_no, "outcome": outcome,
        "building": building, "area": viewer.area, "unit_only": viewer.own_unit,
        "since_ms": _ms(since, _now(request) - 7 * DAY_MS),
        "before_ms": before[0], "before_id": before[1], "limit": limit,
    }  # fmt: skip
    rows = await _rows(request, "alarm_verdicts", parameters)
    return _page(rows, limit, "at_ms", "event_id")


def possible(case: Case, viewer: Viewer, rules: Rules) -> list[dict[str, Any]]:
    """Moves open to this account that make sense for the case now, with what each needs."""
    role = viewer.role if viewer.role in get_args(Role) else None
    if role is None:
        return []
    found = []
    for move in offered(case, rules, role):  # type: ignore[arg-type]
        rows = [r for r in MOVES if r.on == move and case.state in r.frm and viewer.role in r.who]
        found.append({"move": move, "needs": list(rows[0].needs)})
    return found


def answer_json(body: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    whole = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(body), status, whole, media_type="application/json")


async def _rows(request: Request, name: str, parameters: Mapping[str, object]) -> list[Row]:
    store: Store = request.app.state.store
    try:
        return await store.rows(read_sql(f"api/{name}.sql"), parameters)
    except StoreDown as error:
        raise Problem(
            503, "store_down", "数据库暂无响应，请稍后再试", {"Retry-After": "5"}
        ) from error


def _page(rows: list[Row], limit: int, key: str, id_: str) -> Response:
    following = None
    if len(rows) == limit:
        following = base64.urlsafe_b64encode(f"{rows[-1][key]} {rows[-1][id_]}".encode()).decode()
    return answer_json({"items": rows, "next": following})


def _cursor(text: str) -> tuple[int, str]:
    """Where the page before ended. Without a cursor: before everything."""
    if not text:
        return FAR_MS, ""
    try:
        key, id_ = base64.urlsafe_b64decode(text.encode()).decode().split(" ", 1)
        return int(key), id_
    except (binascii.Error, ValueError) as error:
        raise Problem(400, "bad_cursor", "cursor 不是上一页给出的值") from error


def _words(field: str, text: str) -> list[str]:
    if not _WORDS.fullmatch(text):
        raise Problem(422, "invalid", f"{field} 须为以逗号分隔的小写单词")
    return [word for word in text.split(",") if word]


def _ms(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else int(moment.timestamp() * 1000)


def _now(request: Request) -> int:
    return int(request.app.state.clock() * 1000)
