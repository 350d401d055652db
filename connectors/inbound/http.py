"""HTTP intake: ``POST /api/v1/intake/{channel}``. Answers 202 only after Kafka has acknowledged.

The same id from the same source is the same event, so whoever is unsure sends again.
Errors are problem+json (RFC 9457) that name item, field and reason.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Security
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer

from connectors.inbound import answers
from connectors.inbound.body import TooLarge, UnknownEncoding, inflate, read_limited
from connectors.inbound.describe import describe
from connectors.inbound.edge import Admitted, Edge
from connectors.inbound.formats import INBOUND, formats_for
from connectors.inbound.limits import Limits, RateLimit
from connectors.inbound.problems import Problem, Refused
from connectors.kafka import KafkaUnavailable, RecordTooLarge, Sink
from connectors.tokens import Grant, TokenProblem
from schemas.raw import TOPIC_OF

log = logging.getLogger(__name__)

#: outcome of a request or its events: (channel or "", outcome, events)
Count = Callable[[str, str, int], None]


# Documents the header; the check itself is ours.
_BEARER = HTTPBearer(auto_error=False, scheme_name="intakeToken", description="来源的接入令牌")


class Tokens(Protocol):
    def find(self, token: str) -> Grant | None: ...


class _Answer(Exception):
    """An answer other than 202, found on the way."""

    def __init__(self, response: Response, outcome: str) -> None:
        self.response = response
        self.outcome = outcome


def intake_router(
    producer: Sink,
    tokens: Tokens,
    edge: Edge,
    *,
    limits: Limits | None = None,
    count: Count = lambda channel, outcome, events: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> APIRouter:
    """Routes of the intake. ``count`` hears every outcome: accepted, refused, unauthorised,
    forbidden, unknown_channel, too_large, too_slow, media_type, rate, busy, unavailable."""
    router = APIRouter(tags=["intake"])
    intake = _Intake(producer, tokens, edge, limits or Limits(), count, monotonic)

    @router.get("/api/v1/intake", summary="渠道、格式与字段定义")
    async def channels() -> dict[str, Any]:
        return describe(intake.limits)

    @router.post(
        "/api/v1/intake/{channel}",
        summary="上报事件",
        status_code=202,
        openapi_extra=answers.OPENAPI,
        dependencies=[Security(_BEARER)],
    )
    async def receive(
        channel: str,
        request: Request,
        format: Annotated[str, Query(description="来件格式,见 GET /api/v1/intake")] = "native",
        partial: Annotated[bool, Query(description="收下合格的,列出其余")] = False,
    ) -> Response:
        """JSON 对象、数组或 NDJSON。默认整批成败;``partial=true`` 收下合格的,列出其余。"""
        return await intake.receive(channel, request, format, partial)

    return router


class _Intake:
    def __init__(
        self,
        producer: Sink,
        tokens: Tokens,
        edge: Edge,
        limits: Limits,
        count: Count,
        monotonic: Callable[[], float],
    ) -> None:
        self.limits = limits
        self._producer = producer
        self._tokens = tokens
        self._edge = edge
        self._count = count
        self._monotonic = monotonic
        self._rate = RateLimit(limits.per_second, limits.burst)
        self._open = 0

    async def receive(
        self, channel: str, request: Request, format_name: str, partly: bool
    ) -> Response:
        if self._open >= self.limits.requests_at_once:
            self._count("", "busy", 0)
            return answers.unavailable("同时处理的请求过多", 1)
        self._open += 1
        try:
            return await self._receive(channel, request, format_name, partly)
        except _Answer as answer:
            known = channel if channel in TOPIC_OF else ""
            self._count(known, answer.outcome, 0)
            return answer.response
        finally:
            self._open -= 1

    async def _receive(
        self, channel: str, request: Request, format_name: str, partly: bool
    ) -> Response:
        source = self._authorise(channel, request).source
        parse = self._parser(channel, format_name)
        body = await self._body(request)
        try:
            # Off the event loop: a full batch takes tens of milliseconds.
            items: list[Any] = await asyncio.to_thread(parse, body)
            self._admissible(source, len(items))
            sift = partial(self._edge.sift, items, channel=channel, source=source)
            admitted, problems = await asyncio.to_thread(sift)
        except Refused as refused:
            self._admissible(source, 1)
            raise _Answer(answers.refused(refused.problems), "refused") from None
        if problems and (not partly or not admitted):
            raise _Answer(answers.refused(problems), "refused")
        await self._send(admitted)
        self._count(channel, "accepted", len(admitted))
        return _accepted(admitted, problems)

    def _authorise(self, channel: str, request: Request) -> Grant:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            grant = self._tokens.find(token.strip()) if scheme.lower() == "bearer" else None
        except TokenProblem as error:
            log.error("token file: %s", error)
            raise _Answer(answers.unavailable("接入令牌文件暂不可用", 30), "unavailable") from error
        if grant is None:
            raise _Answer(answers.unauthorised(), "unauthorised")
        if channel not in TOPIC_OF:
            raise _Answer(answers.unknown_channel(), "unknown_channel")
        if channel not in grant.channels:
            raise _Answer(answers.forbidden(channel, grant.channels), "forbidden")
        return grant

    def _parser(self, channel: str, format_name: str) -> Callable[[bytes], list[Any]]:
        row = INBOUND.get(format_name)
        if row is None or channel not in row.channels:
            names = "、".join(each.name for each in formats_for(channel))
            problem = Problem("format", "bad_value", f"渠道 {channel} 可用的格式:{names}")
            raise _Answer(answers.refused([problem]), "refused")
        return row.parse

    async def _body(self, request: Request) -> bytes:
        limits = self.limits
        try:
            answers.check_charset(request.headers.get("content-type", ""))
            stated = request.headers.get("content-length", "")
            if stated.isdecimal() and int(stated) > limits.body_bytes:
                raise TooLarge(f"请求体超过 {limits.body_bytes} 字节")
            async with asyncio.timeout(limits.body_seconds):
                body = await read_limited(request.stream(), limits.body_bytes)
            encoding = request.headers.get("content-encoding", "")
            return await asyncio.to_thread(inflate, body, encoding, limits.inflated_bytes)
        except TimeoutError as error:
            raise _Answer(answers.too_slow(limits.body_seconds), "too_slow") from error
        except TooLarge as error:
            raise _Answer(answers.too_large(str(error)), "too_large") from error
        except UnknownEncoding as error:
            raise _Answer(answers.media_type(str(error)), "media_type") from error
        except Refused as refused:
            raise _Answer(answers.refused(refused.problems), "refused") from None

    def _admissible(self, source: str, events: int) -> None:
        if events > self.limits.events:
            reason = f"一次最多 {self.limits.events} 条,收到 {events} 条,请分批发送"
            raise _Answer(answers.too_large(reason), "too_large")
        wait = self._rate.wait(source, max(1, events), self._monotonic())
        if wait > 0:
            raise _Answer(answers.too_many(source, math.ceil(wait)), "rate")

    async def _send(self, admitted: Sequence[Admitted]) -> None:
        records = [record for item in admitted for record in item.records()]
        try:
            await self._producer.send_many(records, self.limits.kafka_seconds)
        except KafkaUnavailable as error:
            log.warning("intake: %s", error)
            reason = "消息系统暂不可用,本次未计为收下;请稍后用相同 id 重发"
            raise _Answer(answers.unavailable(reason, 5), "unavailable") from error
        except RecordTooLarge as error:
            raise _Answer(answers.too_large(str(error)), "too_large") from error


def _accepted(admitted: Sequence[Admitted], problems: Sequence[Problem]) -> Response:
    body: dict[str, Any] = {
        "accepted": len(admitted),
        "events": [{"id": item.raw.id, "event_id": item.event_id} for item in admitted],
    }
    if problems:
        body["rejected"] = [problem.listed() for problem in problems]
    return JSONResponse(body, status_code=202)
