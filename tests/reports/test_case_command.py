"""``gridwhistle case`` and ``report`` as an operator meets them, as far as no Kafka is needed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from ops.cases import tell
from ops.cli import case as case_cli
from ops.cli import report as report_cli
from ops.reports.figures import Period
from tests.cases.small_city import START
from tests.reports.busy_city import BusyCity

CASE_NO = "20261122-990101001001-K7Q2MB"


@pytest.fixture(scope="module")
def city(new_store):
    made, client = BusyCity(51, cases=40), new_store()
    made.into(client)
    return made, client


def test_the_whole_story_of_a_case(city) -> None:
    made, client = city
    newest = max(made.newest().values(), key=lambda c: c.version)
    told = tell(client, newest.case_no)
    assert told is not None
    assert told.case == newest
    history = [c for c in made.changes if c.case.case_no == newest.case_no]
    assert [(m["version"], m["move"]) for m in told.moves] == [
        (c.case.version, c.move) for c in history
    ]
    alerts = {a.alert_id for a in made.alerts if a.case_no == newest.case_no}
    assert {a["alert_id"] for a in told.alerts} == alerts
    assert tell(client, CASE_NO) is None


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nonsense", "sign"], "not a case number"),
        ([CASE_NO, "explode"], "move"),
        ([CASE_NO, "overdue"], "不能由人操作"),
        ([CASE_NO, "report"], "不能由人操作"),
        ([CASE_NO, "note", "--role", "system", "--reason", "x"], "不能由人操作"),
        ([CASE_NO, "note", "--role", "mayor"], "role"),
        ([CASE_NO, "suspend", "--review-at", "morgen"], "时间 morgen 应写作"),
    ],
)
def test_what_no_one_can_do_is_said_before_anything_is_sent(args, says) -> None:
    result = CliRunner().invoke(case_cli.app, ["act", *args])
    assert (result.exit_code, says in result.output) == (2, True), result.output


def test_moves_are_listed_with_who_and_what() -> None:
    out = CliRunner().invoke(case_cli.app, ["moves"]).output
    assert "rebase" in out
    assert "督办员;须带 理由" in out
    assert "overdue" not in out


def report(city, monkeypatch, *args: str):
    made, client = city
    period = Period(START, START + timedelta(days=36))
    monkeypatch.setattr(report_cli, "_open", lambda *_, **__: (client, made.profile, period, False))
    result = CliRunner().invoke(report_cli.app, ["kpi", *args])
    assert result.exit_code == 0, result.output
    return result.output


def test_figures_as_table_csv_and_json(city, monkeypatch) -> None:
    table = report(city, monkeypatch)
    assert "按期办结率" in table
    body = json.loads(report(city, monkeypatch, "--json", "--by", "unit"))
    reds = {f["key"]: f["value"] for f in body["figures"] if f["kpi"] == "red_count"}
    lines = report(city, monkeypatch, "--csv", "--by", "unit", "--kpi", "red_count").splitlines()
    assert lines[0] == "kpi,name,key,label,value,unit,n,of"
    assert {x.split(",")[2]: float(x.split(",")[4]) for x in lines[1:]} == reds
    public = json.loads(report(city, monkeypatch, "--json", "--by", "unit", "--public"))
    small = [f for f in public["figures"] if f["kpi"] == "red_count" and f["hidden"]]
    assert {f["key"] for f in small} >= {k for k, v in reds.items() if v < 10}
    assert all(f["value"] is f["n"] is f["of"] is None for f in small)


@pytest.mark.parametrize(
    "args", [["--kpi", "luck"], ["--by", "person"], ["--since", "gestern"], ["--area", "east"],
             ["--since", "2026-03-02", "--until", "2026-03-01"]]
)  # fmt: skip
def test_questions_that_make_no_sense(args) -> None:
    result = CliRunner().invoke(report_cli.app, ["kpi", *args])
    assert result.exit_code == 2
    assert result.output
