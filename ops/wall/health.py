"""Whether the process lives, whether it can do its work, and its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from connectors.sqlfiles import read_sql
from ops.wall.feed import Feeds
from ops.wall.reading import answer_json
from ops.wall.store import Store, StoreDown

router = APIRouter()
Check = Callable[[], Awaitable[str]]
PATIENCE = 3.0
TICKS = 10.0  # seconds without a good round of the wall


@router.get("/healthz", summary="进程存活 the process answers")
async def alive() -> Response:
    return answer_json({"ok": True})


@router.get("/readyz", summary="可以提供服务 store, Kafka and the wall's ticking are fine")
async def ready(request: Request) -> Response:
    """200, or 503 with ``missing``: what is not there and why."""
    state = request.app.state
    checks: dict[str, Check] = {
        "store": lambda: _store(state.store),
        "kafka": state.kafka_missing,
        "wall": lambda: _ticking(state.feeds, state.clock()),
    }
    found = await asyncio.gather(*(check() for check in checks.values()))
    missing = {name: why for name, why in zip(checks, found, strict=True) if why}
    return answer_json({"ok": not missing, "missing": missing}, status=503 if missing else 200)


@router.get("/metrics", summary="Prometheus")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _store(store: Store) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            rows = await store.rows(read_sql("api/alive.sql"), {})
    except TimeoutError:
        return f"数据库 {PATIENCE:g} 秒内无响应"
    except StoreDown as error:
        return f"数据库无响应：{error}"
    return "" if rows[0]["tables"] == 4 else "数据表不全，请执行 gridwhistle migrate"


async def _ticking(feeds: Feeds, now: float) -> str:
    if not feeds.ticked_ms:
        return "大屏数据尚未生成"
    age = now - feeds.ticked_ms / 1000
    return "" if age < TICKS else f"大屏数据 {age:.0f} 秒未更新"
