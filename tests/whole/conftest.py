from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.up.run import free_port
from tests.whole.centre import Centre


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    made = Centre(tmp_path_factory.mktemp("centre"), free_port())
    made.start()
    yield made
    made.http.close()
    if made.process is not None and made.process.poll() is None:
        made.stop()
