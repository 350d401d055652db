"""Whatever happens to a byte of a profile, the checker answers and never falls over."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.profile_files import FILES, OUTLINES, ProfileProblems, check_profile, load_profile
from tests.profiles.small_files import lines_of, put_lines

DAMAGE = st.sampled_from(
    [b"", b"\t", b"\n", b"\r\n", b"\x00", b"\xff", b"|", b"-1", b"nan", b"1e999", b"[]", b"{}",
     b"null", "网".encode(), "\u2028".encode(), b'"', b"9" * 400]
)  # fmt: skip


@pytest.fixture(scope="module")
def short_source(street_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The street with sixty rows of what is longest: every byte of it is as likely to be hit."""
    out = Path(shutil.copytree(street_source, tmp_path_factory.mktemp("short") / "street"))
    for path in (out / "phrases.tsv", *(out / "training").glob("*.tsv")):
        put_lines(path, lines_of(path)[:60])
    assert not [problem for problem in check_profile(out) if not problem.warning]
    return out


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    file=st.sampled_from([*FILES, OUTLINES]),
    at=st.floats(0, 1),
    length=st.integers(0, 12),
    put=DAMAGE,
)
def test_a_damaged_file_is_told_and_never_a_crash(
    short_source: Path, file: str, at: float, length: int, put: bytes
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(shutil.copytree(short_source, Path(made) / "street"))
        (root / OUTLINES).write_text('{"county":[[[1,2],[3,4]]],"town":[]}', encoding="utf-8")
        body = (root / file).read_bytes()
        start = int(at * len(body))
        (root / file).write_bytes(body[:start] + put + body[start + length :])
        found = check_profile(root)
        errors = [problem for problem in found if not problem.warning]
        assert all(problem.file and problem.reason for problem in found)
        if errors:
            with pytest.raises(ProfileProblems) as told:
                load_profile(root)
            assert len(told.value.problems) == len(errors)
        else:
            assert load_profile(root).station.city == "9901"
