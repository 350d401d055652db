"""Words on screen say every outcome and every mark, in both languages."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from ops.reference import README
from schemas.alarm import Outcome
from schemas.case import Mark

STATIC = README.parent / "ops" / "wall" / "static" / "words"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_outcome_and_mark_has_a_word(lang: str) -> None:
    text = (STATIC / f"{lang}.js").read_text("utf-8")
    for name, words in (("outcomes", get_args(Outcome)), ("marks", get_args(Mark))):
        found = re.search(rf"\b{name}: \{{([^}}]*)\}}", text)
        assert found is not None
        assert set(re.findall(r"(\w+): '", found[1])) == set(words)
