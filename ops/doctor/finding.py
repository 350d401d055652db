"""What a check found, and the site it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ops.up.home import Home, environment, running
from schemas.settings import Settings, settings

State = Literal["ok", "warn", "bad"]


class Finding(NamedTuple):
    """One line of the report. ``remedy`` is a sentence an operator can act on; "" when ok."""

    state: State
    subject: str
    detail: str
    remedy: str = ""


Findings = Iterable[Finding]


class Site(NamedTuple):
    """What is looked at. ``run`` is what ``up`` wrote, None when it does not run here."""

    home: Home
    run: dict[str, Any] | None
    settings: Settings | None  # None: nothing says where Kafka and the store are
    port: int  # where the wall is, or would be
    metrics: dict[str, str]  # process → http address of its /metrics


def ok(subject: str, detail: str) -> Finding:
    return Finding("ok", subject, detail)


def warn(subject: str, detail: str, remedy: str) -> Finding:
    return Finding("warn", subject, detail, remedy)


def bad(subject: str, detail: str, remedy: str) -> Finding:
    return Finding("bad", subject, detail, remedy)


def site(data_dir: Path, port: int, extra_metrics: tuple[str, ...] = ()) -> Site:
    """The system of the environment, else the one that runs in ``data_dir``.

    Raises pydantic's ValidationError for a wrong ``GRIDWHISTLE_*`` variable.
    """
    home = Home(data_dir.resolve())
    run = running(data_dir)
    metrics = {address: f"http://{address}/metrics" for address in extra_metrics}
    if run is not None:
        try:
            found = environment(home, run)
        except (OSError, ValueError, KeyError):
            found = {}  # secrets are damaged: their own check says so
        for name, value in found.items():
            os.environ.setdefault(name, value)
        wall = str(run.get("wall", ""))
        port = int(wall.rsplit(":", 1)[1]) if wall.rpartition(":")[2].isdigit() else port
        metrics |= {
            name: f"http://127.0.0.1:{number}/metrics"
            for name, number in dict(run.get("metrics", {})).items()
            if name != "simulator" or run.get("simulated")
        }
        metrics["wall"] = f"http://127.0.0.1:{port}/metrics"
    settings.cache_clear()  # the environment may have just been completed
    known = {"GRIDWHISTLE_KAFKA", "GRIDWHISTLE_CLICKHOUSE"} <= os.environ.keys()
    return Site(home, run, settings() if known else None, port, metrics)


def guarded(check: Callable[[Site], Findings], where: Site) -> list[Finding]:
    """The findings of a check; one that fails itself is a finding too."""
    try:
        return list(check(where))
    except Exception as problem:
        name = check.__name__.replace("_", " ")
        return [
            bad(name, f"检查本身出错:{type(problem).__name__}: {problem}", "请附上此行报告问题")
        ]
