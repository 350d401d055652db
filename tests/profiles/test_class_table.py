"""A class table: checked like a profile, good for classifying, refused for anything else."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from pathlib import Path

import pytest

from ops.cli.decide import classify_file
from schemas.profile_files import (
    ProfileProblems,
    check_profile,
    load_classes,
    load_profile,
    profile_dir,
)
from streams.core.classify import Classifier
from streams.learned import learned


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(profile_dir("petitions"), tmp_path / "mine"))


def test_the_shipped_table_is_good() -> None:
    assert check_profile("petitions") == []


def test_classes_are_the_names_of_level_one() -> None:
    profile = load_classes("petitions")
    names = [row.name for row in profile.taxonomy.values()]
    assert len(names) == 15
    assert {"城乡建设", "劳动和社会保障", "卫生计生"} <= set(names)
    assert "物业服务" in profile.taxonomy["010000"].keywords
    assert len(profile.training) > 1000  # the base's own texts, by the crosswalk
    assert {t.code for t in profile.training} <= {*profile.taxonomy, ""}


def test_plain_petitions() -> None:
    profile = load_classes("petitions")
    names = {code: row.name for code, row in profile.taxonomy.items()}
    classifier = Classifier(profile, learned(profile))
    for text, name in (
        ("公司拖欠工资不发", "劳动和社会保障"),
        ("医院乱收费", "卫生计生"),
        ("出租车拒载不打表", "交通运输"),
        ("小区物业不作为,业主要求成立业委会", "城乡建设"),
        ("化工厂夜里偷排废气", "环境保护"),
    ):
        assert names[classifier.classify(text).code] == name


def test_it_cannot_run_a_city() -> None:
    with pytest.raises(ProfileProblems, match="分类表"):
        load_profile("petitions")


@pytest.mark.parametrize(
    ("file", "line", "problem"),
    [
        ("crosswalk.tsv", "09\t不存在的类", "一级分类"),
        ("crosswalk.tsv", "77\t城乡建设", "没有类别 77"),
        ("phrases.tsv", "城乡建设\t物业人\t重", "不是数字"),
        ("phrases.tsv", "城乡建设\t物业人", "2 列"),
        ("training/titles.tsv", "文本一条\t不存在的类", "一级分类"),
        ("training/titles.tsv", "文\t城乡建设", "太短"),
        ("phrases.tsv", "\t物业人\t1", "一级分类"),
        ("classes.toml", "extra = 1", "没有这一项"),
    ],
)
def test_what_is_wrong_is_named(copy: Path, file: str, line: str, problem: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as out:
        out.write(f"{line}\n")
    (found,) = check_profile(copy)
    assert problem in str(found)
    assert file in str(found)


def test_how_it_is_learned_must_be_known(copy: Path) -> None:
    toml = copy / "classes.toml"
    toml.write_text(toml.read_text("utf-8").replace('"counts"', '"guess"'), "utf-8")
    (found,) = check_profile(copy)
    assert "learner" in str(found)


def test_the_base_lends_no_more_than_is_asked(copy: Path) -> None:
    base = {t.text for t in load_profile("qinglan").training}
    toml = copy / "classes.toml"
    toml.write_text(toml.read_text("utf-8").replace("base_texts = 200", "base_texts = 3"), "utf-8")
    lent = Counter(t.code for t in load_classes(copy).training if t.text in base)
    assert max(lent.values()) == 3


def test_wording_of_no_class_is_learned_too() -> None:
    assert any(t.code == "" for t in load_classes("petitions").training)


def test_a_missing_file(copy: Path) -> None:
    (copy / "crosswalk.tsv").unlink()
    assert any("crosswalk.tsv" in str(p) for p in check_profile(copy))
    with pytest.raises(ProfileProblems):
        load_classes(copy)


def test_a_profile_is_also_a_table_of_classes() -> None:
    assert "060301" in load_classes("qinglan").taxonomy


def test_the_command_answers_with_names(
    tmp_path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWHISTLE_CACHE_DIR", str(tmp_path / "cache"))
    for letters in (copy / "training").glob("letters_*.tsv"):  # learn little
        letters.unlink()
    walk = copy / "crosswalk.tsv"
    walk.write_text(walk.read_text("utf-8").split("\n", 1)[0] + "\n", "utf-8")
    file, out = tmp_path / "texts.tsv", io.StringIO()
    file.write_text("text\n医院乱收费\n\n", "utf-8")
    assert classify_file(file, str(copy), out) == 0
    lines = [line.split("\t") for line in out.getvalue().splitlines()]
    assert lines[1][0] == "卫生计生"
    assert lines[2][:3] == ["", "", ""]
