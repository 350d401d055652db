from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.centre import Centre


@pytest.fixture(scope="session")
def shared_centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    centre = Centre(tmp_path_factory.mktemp("faults"))
    yield centre
    centre.stop()


@pytest.fixture
def centre(shared_centre: Centre) -> Iterator[Centre]:
    """The same centre for all: what one test leaves behind counts in the next one's ledger."""
    yield shared_centre
    shared_centre.stop_workers()
