"""Back-test: what other limits or routes would have made of cases that are history.

From the store every move of a case is replayed. From an export (``--file``) only report and reply
are known, so only the handling clock is judged.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.inbound.mapping import Mapping
from connectors.inbound.problems import Refused
from connectors.inbound.table_file import rows
from connectors.sqlfiles import read_sql
from ops.reports.figures import Period
from schemas.case import Change
from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.profile_files import load_profile, profile_dir
from schemas.profile_reading import TOML
from streams.core.backtest import Verdict, answered, replay, routed
from streams.core.classify import Classifier
from streams.core.emergency import Emergencies
from streams.core.redact import redact
from streams.core.route import Router
from streams.core.rules import Rules
from streams.core.workdays import load_workdays

FIRST_LIST = 2004  # the first year whose national calendar we hold


class Matter(NamedTuple):
    """What decides about the limit of a matter from an export."""

    class_code: str
    grade: int
    emergency: bool
    channel: str
    village: str
    grid: str
    route: str = ""


@dataclass
class Skipped:
    """Rows of an export that were left out, and why."""

    unreadable: int = 0
    outside: int = 0
    no_reply: int = 0  # counted, with a clock that runs to the end
    first: list[str] = field(default_factory=list)


class Law:
    """A profile made ready for a back-test."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.rules = Rules(profile, load_workdays(profile, FIRST_LIST))
        self.router = Router(profile)


@contextmanager
def overlaid(new: str, old: str) -> Iterator[Profile]:
    """The new profile: a whole one, or a folder with only the files that differ from ``old``
    (deadlines.tsv, routes.tsv, calendar.tsv …). ProfileProblems says what is wrong in it.
    """
    folder = profile_dir(new)
    if (folder / TOML).exists() or not folder.is_dir():
        yield load_profile(new)
        return
    with tempfile.TemporaryDirectory(prefix="gridwhistle-") as name:
        shutil.copytree(profile_dir(old), name, dirs_exist_ok=True)
        shutil.copytree(folder, name, dirs_exist_ok=True)
        yield load_profile(Path(name))


def from_store(
    client: Client, old: Law, new: Law, period: Period, now: datetime, *, area: str = "",
    simulated: bool = False,
) -> Iterator[Verdict]:  # fmt: skip
    """Cases opened in the period, replayed until ``now``. StoreUnavailable, StoreRejected."""
    asked = {
        "since_ms": int(period.since.timestamp() * 1000),
        "until_ms": int(period.until.timestamp() * 1000),
        "area": area, "simulated": simulated,
    }  # fmt: skip
    try:
        with client.query_row_block_stream(
            read_sql("reports/histories.sql"), parameters=asked
        ) as blocks:
            changes = (Change.model_validate_json(row[0]) for block in blocks for row in block)
            for _, history in groupby(changes, key=lambda change: change.case.case_no):
                yield judge(tuple(history), old, new, now)
    except Exception as error:
        raise classify_error(error) from error


def judge(history: tuple[Change, ...], old: Law, new: Law, until: datetime) -> Verdict:
    """One case's changes under both laws. It goes elsewhere only when the routes say otherwise of
    the same facts, not when a person had sent it somewhere.
    """
    first = history[0].case
    before = routed(old.router, first, first.opened_at)
    after = routed(new.router, first, first.opened_at)
    return Verdict(
        _month(first.opened_at),
        replay(history, old.rules, until),
        replay(history, new.rules, until, after if after != before else ""),
    )


def from_file(
    path: Path, mapping: Mapping, reply: str, old: Law, new: Law, period: Period, now: datetime,
    skipped: Skipped,
) -> Iterator[Verdict]:  # fmt: skip
    """Matters of an export; ``reply`` names the column of the reply's time, in the mapping's
    formats. Class, emergency and unit are decided as for a live report, once for both laws but for
    the unit. FileProblem.
    """
    classifier = Classifier(old.profile)
    emergencies = Emergencies(old.profile, classifier.model.danger_bar)
    for row in rows(path, mapping.file):
        try:
            if row.problems:
                raise Refused(row.problems)
            if mapping.skips(row.values):
                continue
            opened = mapping.occurred_at(row.values)
            channel, values = mapping.report(row.values)
            replied = _reply_time(mapping, row.values, reply)
        except Refused as refused:
            skipped.unreadable += 1
            if len(skipped.first) < 5:
                why = "、".join(f"{p.field} {p.reason}" for p in refused.problems)
                skipped.first.append(f"第 {row.line} 行:{why}")
            continue
        if opened is None or not period.since <= opened < period.until:
            skipped.outside += 1
            continue
        skipped.no_reply += replied is None
        text, title = redact(values.get("text", "")), redact(values.get("title", ""))
        judged = classifier.classify(text, title, channel)
        urgent = emergencies.is_emergency(f"{title}\n{text}", channel, judged.danger).emergency
        if urgent:
            judged = judged.if_emergency()
        known = old.profile.taxonomy.get(judged.top3[0]) if judged.top3 else None
        area = str(values.get("area_code", "")) or old.profile.station.city
        matter = Matter(
            known.code if known else "", 1 if urgent else known.grade if known else 3,
            urgent, channel, area[:12].ljust(12, "0"), area if len(area) == 15 else "",
        )  # fmt: skip
        verdicts = [
            answered(law.rules, matter, routed(law.router, matter, opened), opened, replied, now)
            for law in (old, new)
        ]
        yield Verdict(_month(opened), *verdicts)


def _reply_time(mapping: Mapping, values: dict[str, str], column: str) -> datetime | None:
    """Time of the reply by the mapping's own formats and zone. Refused when unreadable."""
    if mapping.time is None:
        return None
    timed = mapping.model_copy(
        update={"time": mapping.time.model_copy(update={"take": "{" + column + "?}"})}
    )
    return timed.occurred_at(values)


def _month(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m")
