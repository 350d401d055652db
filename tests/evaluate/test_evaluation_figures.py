"""The figures themselves, on cases small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.evaluate.figures import Table, hits, macro_f1, pairs_of
from ops.evaluate.petitions import petitions
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


def test_petitions_say_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWHISTLE_SHARED", str(tmp_path))
    table = petitions()
    assert not table.rows
    assert "skipped" in table.note
