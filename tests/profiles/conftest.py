from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.profiles.small_files import write_street


@pytest.fixture(scope="session")
def street_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_street(tmp_path_factory.mktemp("street") / "street")


@pytest.fixture
def street(street_source: Path, tmp_path: Path) -> Path:
    """A small good profile to break."""
    return Path(shutil.copytree(street_source, tmp_path / "street"))
