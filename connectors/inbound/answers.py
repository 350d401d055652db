"""What the intake says when it does not take something: problem+json (RFC 9457), in Chinese."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from typing import Any, Final

from fastapi.responses import JSONResponse

from connectors.inbound.body import ENCODINGS, UnknownEncoding
from connectors.inbound.problems import Problem
from schemas.raw import TOPIC_OF

MOST_PROBLEMS: Final = 1000  # listed; the count is always whole

OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "字段定义见 GET /api/v1/intake;可用 Content-Encoding: "
        + "、".join(ENCODINGS),
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"type": "object"},
                        {"type": "array", "items": {"type": "object"}},
                    ]
                }
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/xml": {"schema": {"type": "string"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "responses": {
        "202": {"description": "Kafka 已确认"},
        "401": {"description": "令牌缺失或无效"},
        "403": {"description": "令牌不含该渠道"},
        "404": {"description": "未知渠道"},
        "408": {"description": "请求体发送过慢"},
        "413": {"description": "过大:字节、解压后字节或条数"},
        "415": {"description": "字符集或压缩方式不支持"},
        "422": {"description": "内容有误,逐条列出"},
        "429": {"description": "超过该来源的速率"},
        "503": {"description": "消息系统暂不可用,请用相同 id 重发"},
    },
}


def problem(
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(
        body, status, headers=dict(headers or {}), media_type="application/problem+json"
    )


def refused(problems: Sequence[Problem]) -> JSONResponse:
    bad = len({entry.index for entry in problems})
    return problem(
        422,
        "内容有误,整批未收",
        f"{bad} 条有误,共 {len(problems)} 处;改正后请整批重发",
        errors=[entry.listed() for entry in problems[:MOST_PROBLEMS]],
    )


def unauthorised() -> JSONResponse:
    return problem(
        401,
        "令牌缺失或无效",
        "请在请求头中携带 Authorization: Bearer <令牌>",
        {"WWW-Authenticate": 'Bearer realm="intake"'},
    )


def forbidden(channel: str, allowed: Iterable[str]) -> JSONResponse:
    return problem(403, "令牌不含该渠道", f"该令牌不能向 {channel} 上报", channels=list(allowed))


def unknown_channel() -> JSONResponse:
    return problem(404, "未知渠道", "可用渠道:" + "、".join(TOPIC_OF), channels=list(TOPIC_OF))


def too_large(reason: str) -> JSONResponse:
    return problem(413, "内容过大", reason)


def too_slow(seconds: float) -> JSONResponse:
    return problem(408, "接收超时", f"请求体未在 {seconds:g} 秒内发完")


def media_type(reason: str) -> JSONResponse:
    return problem(415, "不支持的内容类型", reason, {"Accept-Encoding": ", ".join(ENCODINGS)})


def too_many(source: str, seconds: int) -> JSONResponse:
    return problem(
        429,
        "上报过快",
        f"来源 {source} 超过速率上限,请 {seconds} 秒后再发",
        {"Retry-After": str(seconds)},
    )


def unavailable(reason: str, seconds: int) -> JSONResponse:
    return problem(503, "暂不可用", reason, {"Retry-After": str(seconds)})


def check_charset(content_type: str) -> None:
    """UnknownEncoding when the request says its text is not UTF-8. XML names its own."""
    header = Message()
    header["content-type"] = content_type or "application/json"
    charset = header.get_content_charset()
    if charset is None or header.get_content_subtype().endswith("xml"):
        return
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        name = charset[:40]
    if name not in ("utf-8", "ascii"):
        raise UnknownEncoding(f"字符集应为 UTF-8,收到 {name}")
