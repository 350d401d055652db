from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import PROVED
from tests.faults.centre import Centre
from tests.faults.long import SCALE
from tests.faults.matrix import FAULTS, LONG


@pytest.fixture(scope="session")
def shared_centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    centre = Centre(tmp_path_factory.mktemp("faults"))
    yield centre
    centre.stop()


@contextmanager
def counted(centre: Centre, request: pytest.FixtureRequest) -> Iterator[None]:
    """What the test proved is told at the end; and it took as many records as the matrix says."""
    row = FAULTS[request.node.originalname]
    before = sum(centre.produced.values())
    centre.proved.clear()
    yield
    records = sum(centre.produced.values()) - before
    if centre.proved:  # it came to its end
        for said in centre.proved:
            line = f"{request.node.name} ({records} records): {said}"
            request.node.user_properties.append((PROVED, line))
        assert records >= row.records * (SCALE if row in LONG else 1), row


@pytest.fixture
def centre(shared_centre: Centre, request: pytest.FixtureRequest) -> Iterator[Centre]:
    """The same centre for all: what one test leaves behind counts in the next one's ledger."""
    with counted(shared_centre, request):
        yield shared_centre
        shared_centre.stop_workers()


@pytest.fixture
def own_centre(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Centre]:
    centre = Centre(tmp_path)
    try:
        with counted(centre, request):
            yield centre
    finally:
        centre.stop()
