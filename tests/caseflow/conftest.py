from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.caseflow.stage import Stage, quick_profile


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_profile(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def stage(tmp_path: Path, quick: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, quick)
    yield made
    made.stop()
