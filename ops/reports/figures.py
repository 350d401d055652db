"""Asks the store for the figures of a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.sqlfiles import read_sql
from ops.reports.reckoned import RECKONED, Question, by_kind, longest_silence_ms
from ops.reports.table import KPIS, By, Kpi
from schemas.profile import Profile

FOUND = (
    "staff",
    "staff_or_system",
    "device",
)  # kinds of channels by which we find things ourselves


class Period(NamedTuple):
    """[since, until), aware."""

    since: datetime
    until: datetime

    @property
    def before(self) -> Period:
        """The period of the same length right before."""
        return Period(self.since - (self.until - self.since), self.since)


class Figure(NamedTuple):
    """One figure. ``key`` is what it was split by, "" for all. A count has ``of`` 0; hours,
    minutes and seconds are ``n`` over ``of`` cases; an index is ``n`` a thousand of ``of``.
    """

    kpi: str
    key: str
    n: float
    of: int

    @property
    def value(self) -> float | None:
        """A rate as a share of 1, else the number itself; None when there is nothing to divide."""
        unit = KPIS[self.kpi].unit
        if unit == "count":
            return self.n
        if self.of == 0:
            return None
        match unit:
            case "rate":
                return self.n / self.of
            case "index":
                return self.n / self.of * 1000
        return self.n


def kpis(
    client: Client, profile: Profile, period: Period, *, area: str = "", by: By = "",
    simulated: bool = False, only: Iterable[str] = (),
) -> list[Figure]:  # fmt: skip
    """Figures of a period, in the order of the table; those that can be split ``by``. ``area`` is
    an area code prefix. StoreUnavailable, StoreRejected.
    """
    chosen = tuple(only) or tuple(KPIS)
    channels = profile.channels.values()
    common: dict[str, Any] = _range(period) | {
        "area": area, "by": by, "digits": _below(area), "simulated": simulated,
        "found": [c.channel_id for c in channels if c.kind in FOUND],
        "devices": [c.channel_id for c in channels if c.kind == "device"],
    }  # fmt: skip
    found: list[Figure] = []
    for name in chosen:
        kpi = KPIS[name]
        if by and by not in kpi.by:
            continue
        answers = _answers(client, profile, name, common)
        rows = [Figure(name, key, n, of) for key, n, of in answers]
        if not by and not rows:
            rows = [Figure(name, "", 0.0, 0)]
        found += rows
    return found


class Leads(NamedTuple):
    """Leads of an area: pushed down, checked, found to be hazards, unchecked past their time."""

    code: str
    pushed: int
    checked: int
    hazards: int
    overdue: int


def leads(
    client: Client, period: Period, digits: int, *, area: str = "", batch: str = "",
    simulated: bool = False,
) -> list[Leads]:  # fmt: skip
    """Leads pushed down in a period by areas of so many digits. StoreUnavailable."""
    asked = _range(period) | {
        "area": area, "digits": digits, "batch": batch, "simulated": simulated,
    }  # fmt: skip
    return [Leads(*row) for row in _query(client, read_sql("reports/leads.sql"), asked)]


def worlds(client: Client, period: Period, area: str = "") -> tuple[int, int]:
    """How many real and how many simulated cases the period saw. StoreUnavailable."""
    sql = read_sql("reports/worlds.sql")
    real, simulated = _query(client, sql, _range(period) | {"area": area})[0]
    return int(real), int(simulated)


def _range(period: Period) -> dict[str, Any]:
    return {
        "since_ms": int(period.since.timestamp() * 1000),
        "until_ms": int(period.until.timestamp() * 1000),
    }


def _below(area: str) -> int:
    """Digits of the areas one level under ``area``; villages are the last."""
    return next((digits for digits in (6, 9, 12) if digits > len(area)), 12)


def _answers(
    client: Client, profile: Profile, name: str, common: Mapping[str, Any]
) -> list[tuple[str, float, int]]:
    kpi = KPIS[name]
    reckon = RECKONED.get(name)
    if reckon is None:
        rows = _ask(client, kpi, common)
        return by_kind(profile, rows) if common["by"] == "kind" else rows
    asked = Question(*(common[field] for field in Question._fields))
    values = dict(common)
    if name == "device_online_rate":
        values["since_ms"] = asked.until_ms - longest_silence_ms(profile)
    return reckon(profile, asked, _query(client, *_filled(kpi, values)))


def _ask(client: Client, kpi: Kpi, common: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    rows = _query(client, *_filled(kpi, common))
    return [(str(key), float(n), int(of)) for key, n, of in rows]


def _filled(kpi: Kpi, common: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The file of a figure with the parameters it names."""
    sql = read_sql(f"reports/{kpi.file}.sql")
    values = dict(common) | {"stage": kpi.stage, "quantile": kpi.quantile}
    return sql, {name: value for name, value in values.items() if f"{{{name}:" in sql}


def _query(client: Client, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    try:
        return [tuple(row) for row in client.query(sql, parameters=parameters).result_rows]
    except Exception as error:
        raise classify_error(error) from error
