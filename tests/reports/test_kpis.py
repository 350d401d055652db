"""Every figure against its slow recomputation, over random weeks of a city in a real store."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from connectors.sqlfiles import sql_folder
from ops.reports.figures import Figure, Period, kpis, leads, worlds
from ops.reports.reckoned import lacking
from ops.reports.table import KPIS
from tests.cases.small_city import START
from tests.reports.busy_city import BusyCity
from tests.reports.slow_kpis import SLOW, Asked, Slow

#: seed → days from the start: most of its time, a week, a fortnight
PERIODS = {11: (0, 36), 12: (3, 10), 13: (14, 28)}
PLACES = (("", False), ("990101", False), ("990101001", False), ("", True))


@pytest.fixture(scope="module", params=PERIODS)
def city(request, new_store):
    made = BusyCity(request.param, cases=220)
    client = new_store()
    made.into(client)
    since, until = (START + timedelta(days=day) for day in PERIODS[request.param])
    return made, client, Period(since, until)


slow = cache(Slow)  # each is asked for by every figure


@pytest.mark.parametrize("name", KPIS)
def test_figure_equals_its_slow_recomputation(city, name) -> None:
    made, client, period = city
    seen = 0.0
    for by in ("", *KPIS[name].by):
        for area, simulated in PLACES if not by else PLACES[:2]:
            asked = Asked(*period, area, by, simulated)
            want = {k: pytest.approx(v) for k, v in SLOW[name](slow(made, asked)).items()}
            found = kpis(
                client, made.profile, period, area=area, by=by, simulated=simulated, only=[name]
            )
            got = {f.key: [f.n, f.of] for f in found}
            assert got == (want or ({"": [0, 0]} if not by else {})), asked
            seen += sum(n for n, _ in got.values())
    assert seen > 0 or period.until - period.since < timedelta(days=30), "the city never saw this"


def test_every_figure_of_the_domain_is_there() -> None:
    domain = Path(__file__).with_name("kpi.tsv").read_text("utf-8").splitlines()[1:]
    named = {line.split("\t")[0]: line.split("\t")[1] for line in domain}
    split = {"alarm_ack_seconds": "alarm_ack_p50_seconds"}
    for name, zh in named.items():
        ours = split.get(name, name)
        assert KPIS[ours].name.startswith(zh), name


def test_what_a_profile_has_no_data_for_is_said(city) -> None:
    made, client, period = city
    assert lacking(made.profile) == {}
    bare = replace(
        made.profile, heartbeats=(), patrols=(),
        areas={c: a.model_copy(update={"households": 0, "km2": 0.0})
               for c, a in made.profile.areas.items()},
    )  # fmt: skip
    assert list(lacking(bare)) == ["device_online_rate", "patrol_coverage", "risk_index"]
    for name in lacking(bare):
        assert kpis(client, bare, period, only=[name]) == [Figure(name, "", 0, 0)]


def test_nothing_to_divide_is_no_rate() -> None:
    assert Figure("close_rate", "", 0, 0).value is None
    assert Figure("close_rate", "", 3, 4).value == 0.75
    assert Figure("backlog", "", 7, 0).value == 7
    assert Figure("median_handle_hours", "", 0, 0).value is None
    assert Figure("median_handle_hours", "", 5.5, 2).value == 5.5


def test_worlds_are_told_apart(city) -> None:
    made, client, _ = city
    period = Period(START, START + timedelta(days=90))
    cases = [c for c in made.newest().values() if not c.test]
    real = sum(not c.simulated for c in cases)
    assert worlds(client, period) == (real, len(cases) - real)
    assert worlds(client, Period(START - timedelta(days=9), START)) == (0, 0)


def test_progress_of_leads_equals_its_slow_recomputation(city) -> None:
    made, client, period = city
    seen = 0
    for area, simulated in PLACES:
        slow = Slow(made, Asked(*period, area, "", simulated))
        want: dict[str, list[int]] = {}
        for history in slow.cases.values():
            case = history[-1].case
            if not case.batch or not slow.within(history[0].at):
                continue
            row = want.setdefault(case.village[:9], [0, 0, 0, 0])
            due = [d.due for d in case.deadlines if d.clock == "check"]
            row[0] += 1
            row[1] += case.state != "pushed"
            row[2] += any(c.move == "check" and c.case.state == "signed" for c in history)
            row[3] += case.state == "pushed" and any(d <= period.until for d in due)
        found = leads(client, period, 9, area=area, simulated=simulated)
        assert {row.code: list(row[1:]) for row in found} == want
        seen += len(found)
    assert seen


def test_files_say_what_they_answer_and_name_their_parameters() -> None:
    for path in sorted(sql_folder("reports").glob("*.sql")):
        head, _, _ = path.read_text("utf-8").partition("\nSELECT")
        body = path.read_text("utf-8")
        for parameter in set(re.findall(r"{(\w+):", body)):
            assert re.search(rf"^-- .*\b{parameter}\b", head, re.M), (path.name, parameter)
    files = {k.file for k in KPIS.values()} | {"worlds", "leads"}
    assert {p.stem for p in sql_folder("reports").glob("*.sql")} >= files
