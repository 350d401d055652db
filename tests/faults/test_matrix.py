"""The fault matrix, the tests and the README say the same."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.__main__ import GROUPS
from tests.faults.matrix import LONG, README, SHORT, written
from tests.faults.mutants import MUTANTS
from tests.faults.test_long_mutants import CAUGHT

HERE = Path(__file__).parent


def named_in(pattern: str) -> set[str]:
    return {
        name
        for file in HERE.glob(pattern)
        for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.M)
    }


def test_every_fault_has_its_test_and_every_test_its_fault() -> None:
    assert {row.test for row in SHORT} == named_in("test_short_*.py")
    assert {row.test for row in LONG} == named_in("test_long_*.py")


def test_the_readme_shows_the_matrix() -> None:
    text = README.read_text("utf-8")
    assert written(text) == text, "run: python -m tests.faults.matrix"


def test_every_long_test_runs_in_one_group() -> None:
    files = [f"test_long_{group}.py" for group in GROUPS]
    assert sorted(files) == sorted(file.name for file in HERE.glob("test_long_*.py"))


def test_every_faulty_worker_is_caught_by_a_test() -> None:
    assert {caught.mutant for caught in CAUGHT} == set(MUTANTS)
