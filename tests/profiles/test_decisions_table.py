"""``gridwhistle profile test``: the shipped table holds, differences come with reasons, and a bad
row is told with file, line, field and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli.profile import app
from ops.deciding import Deciding
from ops.expectations import COLUMNS, EXPECTED, Outcome, run
from schemas.profile_files import load_profile, profile_dir

TABLE = profile_dir("qinglan") / "decisions.tsv"
GRID = "990101001001001"
NOISE = (
    f'{{"channel":"hotline_12345","text":"半夜施工","class_code":"080201","area_code":"{GRID}"}}'
)


@pytest.fixture(scope="module")
def deciding() -> Deciding:
    return Deciding(load_profile("qinglan"))


def table(tmp_path: Path, deciding: Deciding, *lines: tuple[str, ...]) -> Outcome:
    path = tmp_path / "table.tsv"
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return run(path, deciding)


def test_the_shipped_table_holds(deciding: Deciding) -> None:
    outcome = run(TABLE, deciding)
    assert outcome.rows >= 15
    assert ([str(bad) for bad in outcome.bad], outcome.failed) == ([], [])


def test_what_differs_is_said_with_the_reasons_of_explain(
    tmp_path: Path, deciding: Deciding
) -> None:
    outcome = table(
        tmp_path, deciding,
        ("report", "at", "route", "unit", "grade", "handle_minutes"),
        (NOISE, "2026-11-25T23:30", "night-noise", "gongan-990101001", "", ""),
        (NOISE, "2026-11-25T10:00", "night-noise", "gongan-990101001", "3", ""),
        (NOISE, "2026-11-25T10:00", "default", "-", "", "1"),
    )  # fmt: skip
    assert (outcome.rows, outcome.bad) == (3, [])
    day, none = outcome.failed
    assert (day.line, [d[0] for d in day.differs]) == (3, ["unit", "route"])
    assert day.differs[1][1:] == ("night-noise", "default")
    told = "\n".join([*(line.topic for line in day.because), *day.because[-1].because])
    assert "路由行" in told
    assert "时段须为 22:00-06:00" in told
    assert [d[0] for d in none.differs] == ["unit", "handle_minutes"]
    assert any(line.topic.startswith("时限") for line in none.because)


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("class", "999999", "“999999” 不是 class 可以有的值"),
        ("unit", "nobody-1", "“nobody-1” 不是 unit 可以有的值"),
        ("route", "nowhere", "“nowhere” 不是 route 可以有的值"),
        ("grid", "990101001001999", "不是 grid 可以有的值"),
        ("emergency", "yes", "“yes” 不是 emergency 可以有的值"),
        ("grade", "12", "“12” 不是 grade 可以有的值"),
        ("campaign", "x", "“x” 不是 campaign 可以有的值"),
        ("handle_minutes", "soon", "“soon” 不是 handle_minutes 可以有的值"),
    ],
)
def test_values_no_decision_can_have(
    tmp_path: Path, deciding: Deciding, column: str, cell: str, says: str
) -> None:
    outcome = table(tmp_path, deciding, ("text", column), ("路灯不亮", cell))
    (problem,) = outcome.bad
    assert (problem.file, problem.line, problem.field) == ("table.tsv", 2, column)
    assert says in problem.reason
    assert outcome.failed == []


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ((("text", "colour"), ("路灯不亮", "red")), "table.tsv:1 colour: 没有这一列"),
        ((("text", "name"), ("路灯不亮", "x")), "table.tsv:1: 没有一列写明预期"),
        ((("text", "class", "class"), ("a", "", "")), "table.tsv:1 class: 列名重复"),
        ((("text", "class"), ("路灯不亮",)), "table.tsv:2: 有 1 列，应为 2 列"),
        ((("text", "class"), ("", "060301")), "table.tsv:2 text: 没有要判定的内容"),
        ((("text", "class"), ("路灯不亮", "")), "table.tsv:2: 这一行没有写任何预期"),
        ((("report", "class"), ("{", "060301")), "table.tsv:2 report: 不是 JSON"),
        ((("report", "class"), ("[1]", "060301")), "table.tsv:2 report: 应为一个 JSON 对象"),
        (
            (("text", "at", "class"), ("路灯不亮", "noon", "060301")),
            "table.tsv:2 at: “noon” 不是时刻",
        ),
        ((("text", "lon", "class"), ("路灯不亮", "x", "060301")), "table.tsv:2 lon: “x” 不是数字"),
        ((("text", "channel", "class"), ("路灯不亮", "fax", "060301")), "table.tsv:2 channel: "),
    ],
)
def test_bad_rows_are_told(
    tmp_path: Path, deciding: Deciding, lines: tuple[tuple[str, ...], ...], where: str
) -> None:
    outcome = table(tmp_path, deciding, *lines)
    assert str(outcome.bad[0]).replace(",", "，").startswith(where.replace(",", "，"))


def test_a_report_that_must_be_refused_can_be_expected(tmp_path: Path, deciding: Deciding) -> None:
    body = '{"channel":"hotline_12345","text":"路灯不亮","area_code":"110105"}'
    head = ("report", "disposition")
    assert table(tmp_path, deciding, head, (body, "invalid")).failed == []
    (failed,) = table(tmp_path, deciding, head, (body, "case")).failed
    assert "110105" in failed.differs[0][2]


def test_on_the_command_line(tmp_path: Path) -> None:
    runner = CliRunner()
    good = runner.invoke(app, ["test", str(TABLE)])
    assert (good.exit_code, "0 行不符" in good.output) == (0, True)
    wrong = tmp_path / "wrong.tsv"
    wrong.write_text(f"report\tat\troute\n{NOISE}\t2026-11-25T10:00\tnight-noise\n", "utf-8")
    failed = runner.invoke(app, ["test", str(wrong)])
    assert failed.exit_code == 1
    assert "route：应为 night-noise，判定为 default" in failed.output
    assert "越过 routes.tsv:" in failed.output
    assert runner.invoke(app, ["test", str(tmp_path / "none.tsv")]).exit_code == 2
    assert runner.invoke(app, ["test", str(TABLE), "--profile", "atlantis"]).exit_code == 2


def test_the_readme_names_the_columns() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    part = readme[readme.index("gridwhistle profile test") :]
    assert [column for column in COLUMNS if f"`{column}`" not in part] == []
    assert set(EXPECTED) < set(COLUMNS)
