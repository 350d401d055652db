"""``gridwhistle rules backtest`` on an export, and on the cases of a store."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.backtest import Law, from_store
from ops.cli.rules import app
from ops.reports.figures import Period
from streams.core.rules import Rules
from tests.cases.small_city import START, WORKDAYS
from tests.reports.busy_city import BusyCity

FIFTEEN_DAYS = str(Path(__file__).parent / "fifteen_days")
ROWS = [  # opened, replied: before, on and after fifteen working days; over Spring Festival 2019
    ("2019-03-04 09:00:00", "2019-03-22 17:59:00"),
    ("2019-03-04 09:00:00", "2019-03-25 09:30:00"),
    ("2019-01-28 09:00:00", "2019-02-20 12:00:00"),  # 7 days off, a weekend worked
    ("2019-01-28 09:00:00", ""),
]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "replies.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for number, (opened, replied) in enumerate(ROWS):
            row = {"id": str(number), "subject": "路灯不亮", "time": opened,
                   "body": "门口路灯坏了", "reply_time": replied}  # fmt: skip
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        out.write('{"id": "9", "subject": "x", "time": "昨天", "body": "x"}\n')
    return path


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["backtest", *args])
    return result.exit_code, result.output


def test_an_export_under_fifteen_working_days(export: Path) -> None:
    args = ("--with", FIFTEEN_DAYS, "--profile", "qinglan", "--file", str(export))
    code, out = run(*args, "--json")
    assert code == 0, out
    found = json.loads(out)
    months = {row["month"]: (row["cases"], row["new"]["red"]) for row in found["months"]}
    assert months == {"2019-01": (2, 1), "2019-03": (2, 1)}
    assert found["total"]["elsewhere"] == 0
    assert (found["skipped"]["unreadable"], found["skipped"]["no_reply"]) == (1, 1)


def test_the_table_names_months_and_sums(export: Path) -> None:
    args = ("--with", FIFTEEN_DAYS, "--profile", "qinglan", "--file", str(export))
    code, out = run(*args, "--from", "2019-03-01", "--to", "2019-04-01")
    assert code == 0, out
    assert "2019-03" in out
    assert "2019-01" not in out
    assert "1 行无法读取" in out
    code, out = run(*args, "--by", "unit")
    assert (code, "现行承办单位" in out) == (0, True)


def test_what_cannot_be_read_is_said(export: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "deadlines.tsv").write_text("rule_id\tclock\tminutes\nx\thandle\t0\n")
    args = ("--profile", "qinglan", "--file", str(export))
    code, out = run("--with", str(tmp_path / "bad"), *args)
    assert (code, "deadlines.tsv" in out) == (2, True)
    assert run("--with", FIFTEEN_DAYS, "--profile", "qinglan", "--file", "nowhere.csv")[0] == 2
    assert run("--with", FIFTEEN_DAYS, *args, "--mapping", "nowhere")[0] == 2
    assert run("--with", FIFTEEN_DAYS, *args, "--from", "gestern")[0] == 2


def test_cases_of_a_store_under_their_own_rules(new_store) -> None:
    city, client = BusyCity(41, cases=80), new_store()
    city.into(client)
    law = Law(city.profile)
    law.rules = Rules(city.profile, WORKDAYS)
    period = Period(START, START + timedelta(days=60))
    end = max(c.at for c in city.changes)
    verdicts = list(from_store(client, law, law, period, end))
    real = [c for c in city.newest().values() if not c.test and not c.simulated]
    assert len(verdicts) == len(real) > 50
    assert all(v.old == v.new for v in verdicts)
    reds = {c.case.case_no for c in city.changes if c.stage == "red"}
    assert sum(v.old.has("red") for v in verdicts) == sum(c.case_no in reds for c in real)
