"""Errors of the HTTP interface as RFC 9457 problem details; `detail` is for people, in Chinese."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from schemas.case import Refusal

TITLES: dict[int, str] = {
    400: "请求有误",
    401: "请先登录",
    403: "无权执行",
    404: "没有找到",
    405: "不支持的方法",
    409: "当前状态不允许",
    412: "案件已被他人更新",
    413: "内容过大",
    422: "内容不完整",
    429: "尝试过于频繁",
    500: "服务内部错误",
    503: "服务暂不可用",
}

#: HTTP status of each reason for which the case's writer changed nothing.
REFUSALS: dict[str, int] = {
    "unknown_case":    404,
    "impossible_move": 409,
    "closed":          409,
    "stale_timer":     409,
    "stale_version":   412,
    "reason_missing":  422,
    "field_missing":   422,
    "future_action":   422,
    "not_allowed":     403,
}  # fmt: skip


class Problem(Exception):
    """Ends a request. ``code`` is a fixed word for programs, ``detail`` a sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.more = dict(headers or {}), more

    def response(self) -> Response:
        body = {
            "type": f"urn:gridwhistle:problem:{self.code}",
            "title": TITLES.get(self.status, "出错"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        } | self.more
        return Response(
            orjson.dumps(body), self.status, self.headers, media_type="application/problem+json"
        )


def from_refusal(refusal: Refusal) -> Problem:
    """The writer's refusal as a problem; ``possible`` lists the moves that are open instead."""
    return Problem(
        REFUSALS[refusal.code], refusal.code, refusal.detail, possible=list(refusal.possible)
    )


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of ``app`` a problem: ours, the framework's, and failed validation."""

    @app.exception_handler(Problem)
    async def ours(request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return Problem(
            error.status_code, "http_error", str(error.detail), headers=headers
        ).response()

    @app.exception_handler(Exception)
    async def a_bug(request: Request, error: Exception) -> Response:
        return Problem(500, "internal", "服务内部错误，已记入日志").response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # The value itself is left out: it may be a text somebody wrote.
        faults = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        detail = "；".join(f"{f['where']}：{f['what']}" for f in faults[:5])
        return Problem(422, "invalid", detail, errors=faults).response()
