"""The README's tables follow from the code, and what it tells people to type exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import typer.main

from ops.cli.commands import app
from ops.metrics import CATALOGUE
from ops.reference import README, written

ROOT = README.parent
TEXT = README.read_text("utf-8")


def test_tables_and_diagram_are_current() -> None:
    assert written(TEXT) == TEXT, "run: python -m ops.reference"


def test_a_missing_marker_is_named() -> None:
    with pytest.raises(ValueError, match="topics"):
        written(TEXT.replace("<!-- topics -->", ""))


def test_metric_names_are_unique() -> None:
    repeated = [name for name, count in Counter(m.name for m in CATALOGUE).items() if count > 1]
    assert repeated == []


def test_every_metric_a_worker_uses_is_in_the_catalogue() -> None:
    known = {m.name for m in CATALOGUE}
    used = {
        name
        for folder in ("streams", "connectors", "ops")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'metric\(\s*"(gridwhistle_\w+)"', file.read_text("utf-8"))
    }
    assert used
    assert used <= known


def test_commands_in_the_readme_exist() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^gridwhistle (\w+)", TEXT, re.M))
    assert named
    assert named <= commands


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.M)) <= targets


def test_files_the_readme_points_at_exist() -> None:
    named = set(re.findall(r"`((?:schemas|connectors|streams|ops|sql)/[\w/.]+)`", TEXT))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_no_lock_names_a_host() -> None:
    for file in Path(ROOT / "requirements").glob("*.txt"):
        assert "://" not in file.read_text("utf-8"), file.name
