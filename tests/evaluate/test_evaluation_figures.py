"""The figures themselves, on cases small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.evaluate.figures import Table, f1_by_class, hits, interval, macro_f1, pairs_of
from ops.evaluate.petitions import LABELLED, office_of, petitions, shared_dir
from ops.evaluate.texts import examples, without_examples
from schemas.profile_files import load_profile


def test_recall_and_precision() -> None:
    assert hits([True, True, False, False], [True, False, True, True]) == (1 / 3, 1 / 2)
    assert hits([False], [False]) == (1.0, 1.0)


def test_macro_f1_counts_every_class_the_same() -> None:
    assert macro_f1(["a", "a", "b"], ["a", "a", "b"]) == 1.0
    assert macro_f1(["a", "a", "a"], ["a", "a", "b"]) == pytest.approx((0.8 + 0.0) / 2)
    assert macro_f1(["c"], ["a"]) == 0.0


def test_pairs_of_groups() -> None:
    assert pairs_of([["b", "a", "c"], ["d"]]) == {("a", "b"), ("b", "c"), ("a", "c")}


def test_shares_are_percentages_and_counts_are_not() -> None:
    table = Table("t", ("a", "b"))
    table.add(1.0, 1)
    assert table.rows == [("100.0%", "1")]


def test_the_examples_are_not_learned_where_they_are_asked() -> None:
    profile = load_profile("qinglan")
    asked = {a.text for a in examples()}
    assert asked & {t.text for t in profile.training}
    left = without_examples(profile)
    assert left.training
    assert not asked & {t.text for t in left.training}


def test_f1_of_a_class_never_said_is_nothing() -> None:
    assert f1_by_class(["a", "a"], ["b", "a"]) == {"a": pytest.approx(2 / 3), "b": 0.0}


def test_an_interval_holds_the_figure_and_narrows_with_the_texts() -> None:
    said, true = ["a", "a", "b", "b"] * 5, ["a", "b", "b", "b"] * 5
    low, high = interval(said, true)
    assert low < macro_f1(said, true) < high
    many = interval(said * 20, true * 20)
    assert many[1] - many[0] < (high - low) / 2
    assert interval(said, true) == (low, high)


def test_petitions_say_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWHISTLE_SHARED", str(tmp_path))
    (table,) = petitions()
    assert not table.rows
    assert "skipped" in table.note


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("您好,经区教育局核实:该校", "教育文体"),
        ("市人力资源和社会保障局回复", "劳动和社会保障"),
        ("区城管局、区生态环境局联合检查", ""),
        ("已转交有关单位", ""),
        ("经调查" + "。" * 300 + "市教育局", ""),
    ],
)
def test_the_office_that_answers_says_the_class(reply: str, name: str) -> None:
    assert office_of(reply) == name


def test_petitions_as_shipped_beat_the_baselines() -> None:
    if not (shared_dir() / LABELLED).is_file():
        pytest.skip(f"no {LABELLED} in the folder GRIDWHISTLE_SHARED names")
    table, by_class = petitions()
    figures = {row[:2]: float(row[4].rstrip("%")) for row in table.rows}
    shipped = figures["labelled", "subject and body"]
    assert shipped > 85
    assert shipped > 15 + figures["labelled", "baseline: names of the taxonomy"]
    assert len(by_class.rows) == 7
