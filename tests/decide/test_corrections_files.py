"""Corrections: read with reasons for what is wrong, merged with the newest answer counting."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.cli.commands import app
from ops.corrections import BadCorrections, Classes, Corrections, classes_of, merge, read, write
from schemas.profile import Told
from schemas.profile_files import (
    ProfileProblems,
    check_profile,
    load_classes,
    load_profile,
    profile_dir,
)
from schemas.settings import settings

KNOWN = Classes({"060301": "060301", "050101": "050101"})


def told(text: str, code: str, emergency: bool | None = None) -> Told:
    return Told(text=text, code=code, emergency=emergency)


def test_written_corrections_read_the_same(tmp_path: Path) -> None:
    rows = [told("路灯又坏", "060301", False), told("着火了", "", True), told("垃圾", "050101")]
    file = tmp_path / "c.tsv"
    assert write(rows, file) == 3
    assert read(file, KNOWN) == Corrections(rows)


def test_the_newest_answer_counts(tmp_path: Path) -> None:
    file = tmp_path / "training" / "corrections.tsv"
    assert merge([told("门口那堆", "060301")], file, KNOWN) == 1
    assert merge([told("门口那堆", "050101"), told("灯坏", "060301")], file, KNOWN) == 2
    kept = read(file, KNOWN).told
    assert [(row.text, row.code) for row in kept] == [("门口那堆", "050101"), ("灯坏", "060301")]


def test_contacts_do_not_get_in(tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_text("text\tcode\temergency\n路灯坏,电话13812345678\t060301\t0\n", "utf-8")
    assert "13812345678" not in read(file, KNOWN).told[0].text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("文本\t类别\n",                                 "首行"),
        ("text\tcode\temergency\n路灯\t060301\n",        ":2"),
        ("text\tcode\temergency\n路灯\t999999\t0\n",     "999999"),
        ("text\tcode\temergency\n路灯\t060301\t是\n",    ":2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, body: str, says: str) -> None:
    file = tmp_path / "c.tsv"
    file.write_text(body, "utf-8")
    with pytest.raises(BadCorrections, match=says):
        read(file, KNOWN)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_bytes("text\tcode\temergency\n路灯\t060301\t0\n".encode("gbk"))
    with pytest.raises(BadCorrections, match="UTF-8"):
        read(file, KNOWN)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A class table that learns little."""
    monkeypatch.setenv("GRIDWHISTLE_CACHE_DIR", str(tmp_path / "cache"))
    copy = Path(shutil.copytree(profile_dir("petitions"), tmp_path / "mine"))
    for letters in (copy / "training").glob("letters_*.tsv"):
        letters.unlink()
    toml = copy / "classes.toml"
    toml.write_text(toml.read_text("utf-8").replace("base_texts = 200", "base_texts = 1"), "utf-8")
    return copy


def trained(table: Path, body: str) -> Result:
    file = table.parent / "given.tsv"
    file.write_text(body, "utf-8")
    return CliRunner().invoke(app, ["train", "--profile", str(table), "--corrections", str(file)])


def test_a_class_table_learns_what_people_said_of_its_base(table: Path) -> None:
    """030305 is its base's, 环境保护 to the table; 050307 has no counterpart in it."""
    body = "text\tcode\temergency\n河面一层油花\t030305\t1\n谁家的猫\t050307\t0\n你好\t\t\n"
    result = trained(table, body)
    assert (result.exit_code, "共 2 条更正,另有 1 条" in result.output) == (0, True), result.output
    kept = (table / "training" / "corrections.tsv").read_text("utf-8")
    assert kept == "text\tlevel1\n河面一层油花\t环境保护\n你好\t\n"
    assert check_profile(table) == []
    profile = load_classes(table)
    told = {row.text: row.code and profile.taxonomy[row.code].name for row in profile.training}
    assert (told["河面一层油花"], told["你好"], "谁家的猫" in told) == ("环境保护", "", False)


def test_a_class_table_learns_by_its_own_names(table: Path) -> None:
    assert trained(table, "text\tlevel1\n河面一层油花\t农村农业\n").exit_code == 0
    result = trained(table, "text\tlevel1\n河面一层油花\t环境保护\n")  # the newest answer counts
    assert result.exit_code == 0, result.output
    kept = (table / "training" / "corrections.tsv").read_text("utf-8")
    assert kept == "text\tlevel1\n河面一层油花\t环境保护\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("text\tlevel1\n油花\t水\n",                     ":2 “水”"),
        ("text\tlevel1\n油花\n",                         ":2"),
        ("text\tcode\temergency\n油花\t010000\t0\n",     "010000"),
        ("文本\t类别\n",                                 "level1"),
    ],
)  # fmt: skip
def test_nothing_wrong_gets_into_a_class_table(table: Path, body: str, says: str) -> None:
    result = trained(table, body)
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert not (table / "training" / "corrections.tsv").exists()


def test_a_profile_does_not_take_names(tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_text("text\tlevel1\n油花\t环境保护\n", "utf-8")
    with pytest.raises(BadCorrections, match="首行"):
        read(file, classes_of(profile_dir("qinglan"), load_classes("qinglan")))


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where corrections of shipped profiles are kept, for this test."""
    monkeypatch.setenv("GRIDWHISTLE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRIDWHISTLE_CORRECTIONS_DIR", str(tmp_path / "corrections"))
    settings.cache_clear()
    yield tmp_path / "corrections"
    settings.cache_clear()


def test_what_is_installed_is_never_written(apart: Path, tmp_path: Path) -> None:
    """A shipped profile learns corrections that stand in the data directory, under its name."""
    root = profile_dir("petitions")
    before = {path: path.stat() for path in root.rglob("*")}
    plain = load_classes("petitions")
    given = tmp_path / "given.tsv"
    given.write_text("text\tlevel1\n河面一层油花\t环境保护\n", "utf-8")
    asked = ["train", "--profile", "petitions", "--corrections", str(given)]
    result = CliRunner().invoke(app, asked)
    assert (result.exit_code, str(apart / "petitions.tsv") in result.output) == (0, True)
    after = {path: path.stat() for path in root.rglob("*")}
    assert {p: (s.st_mtime_ns, s.st_size) for p, s in after.items()} == {
        p: (s.st_mtime_ns, s.st_size) for p, s in before.items()
    }
    learned = load_classes("petitions")
    assert [row.text for row in learned.training if row not in plain.training] == ["河面一层油花"]
    assert learned.digest != plain.digest


def test_corrections_of_a_shipped_profile_outlive_its_classes(apart: Path) -> None:
    """A class that a newer version no longer has is a warning, not a centre that does not start."""
    apart.mkdir()
    file = apart / "qinglan.tsv"
    file.write_text("text\tcode\temergency\n那盏灯罢工\t060301\t0\n旧事\t999999\t0\n", "utf-8")
    assert [(p.file, p.line, p.warning) for p in check_profile("qinglan")] == [(str(file), 3, True)]
    assert load_profile("qinglan").training[-2].code == "060301"
    file.write_text("text\tclass\n那盏灯罢工\t060301\n", "utf-8")
    with pytest.raises(ProfileProblems, match=r"qinglan\.tsv"):
        load_profile("qinglan")
