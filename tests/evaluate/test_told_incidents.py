"""Incidents written by hand: every row can be told, and the engine beats the simple rule."""

from __future__ import annotations

from collections import Counter

import pytest

from ops.evaluate.merging import FILES, HERE, merging
from ops.evaluate.told import sites, told
from schemas.profile_files import load_profile
from streams.learned import learned


@pytest.fixture(scope="module")
def profile():
    return load_profile("qinglan")


@pytest.mark.parametrize(("file", "skip"), [(name, skip) for name, skip, _ in FILES])
def test_every_row_can_be_told(profile, file: str, skip: int) -> None:
    rows = told(profile, HERE / file, skip)
    sizes = Counter(row.incident for row in rows)
    alone = sizes.pop("")
    assert [row.at_ms for row in rows] == sorted(row.at_ms for row in rows)
    assert len({row.body["id"] for row in rows}) == len(rows)
    assert alone > len(sizes) > 10
    assert all("{" not in row.body.get("text", "") for row in rows)
    assert len(sites(profile)) >= skip + 16


def test_merging_beats_the_simple_rule(profile) -> None:
    shares = {}
    for table in merging(profile, learned(profile)):
        for by, _, _, recall, _, precision in table.rows:
            shares[table.title, by.split(":")[0]] = [
                float(share.rstrip("%")) for share in (recall, precision)
            ]
    for (title, by), (recall, precision) in shares.items():
        if by == "as shipped":
            simple = shares[title, "baseline"]
            assert recall > simple[0] + 20, title
            assert precision >= 90, title
