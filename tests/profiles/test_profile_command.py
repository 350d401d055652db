"""``gridwhistle profile``: what it prints and how it exits."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from ops.cli.profile import app
from schemas.profile_files import load_profile
from tests.profiles.small_files import cell

runner = CliRunner()


def test_check_passes_a_good_profile(street: Path) -> None:
    done = runner.invoke(app, ["check", str(street)])
    assert done.exit_code == 0
    assert f"{street}：0 处错误，0 条提示" in done.output


def test_check_names_every_problem_and_fails(street: Path) -> None:
    cell(street / "areas.tsv", 6, "parent", "990199999999")
    cell(street / "calendar.tsv", 2, "day", "x")
    done = runner.invoke(app, ["check", str(street)])
    assert done.exit_code == 1
    assert "错误 areas.tsv:6 parent: 上级区划 990199999999 不存在" in done.output
    assert "错误 calendar.tsv:2 day: “x” 不是日期" in done.output
    assert "2 处错误" in done.output


def test_warnings_fail_only_when_strict(street: Path) -> None:
    routes = street / "routes.tsv"
    lines = routes.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("lift-rescue"))
    lines.insert(at + 1, lines[at].replace("lift-rescue", "lift-again"))
    routes.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert runner.invoke(app, ["check", str(street)]).exit_code == 0
    strict = runner.invoke(app, ["check", str(street), "--strict"])
    assert strict.exit_code == 1
    assert f"提示 routes.tsv:{at + 2} route_id" in strict.output


def test_check_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    done = runner.invoke(app, ["check", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "qinglan" in done.output


def test_show_and_list() -> None:
    shown = runner.invoke(app, ["show", "qinglan"])
    assert shown.exit_code == 0
    assert "清澜市 Qinglan City （虚构 fictional）" in shown.output
    assert "13 大类 · 37 中类 · 254 小类" in shown.output
    assert runner.invoke(app, ["list"]).output.splitlines() == ["qinglan\t清澜市\tQinglan City"]


def test_show_of_a_broken_profile_says_why(street: Path) -> None:
    (street / "units.tsv").unlink()
    done = runner.invoke(app, ["show", str(street)])
    assert done.exit_code == 1
    assert "units.tsv: 文件缺失或不能读取" in done.output


def test_new_starts_a_profile_that_passes(tmp_path: Path, street: Path) -> None:
    made = tmp_path / "My District-2"
    done = runner.invoke(app, ["new", str(made), "--from", str(street)])
    assert done.exit_code == 0
    assert load_profile(made).station.name == "my_district_2"
    again = runner.invoke(app, ["new", str(made), "--from", str(street)])
    assert again.exit_code == 1
    assert "不是空目录" in again.output


def test_new_from_nothing_makes_nothing(tmp_path: Path) -> None:
    done = runner.invoke(app, ["new", str(tmp_path / "a"), "--from", "atlantis"])
    assert done.exit_code == 1
    assert not (tmp_path / "a").exists()
