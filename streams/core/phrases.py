"""Phrases with gaps: ``A…B`` means its parts in this order, in one sentence, not too far apart."""

from __future__ import annotations

import re

GAP = "…"
REACH = 20  # characters from the end of one part to the next
_SENTENCE = re.compile(r"[。!?\n!?]")


def parts_of(phrase: str) -> tuple[str, tuple[str, ...]]:
    """First part, the others. ValueError for a phrase of gaps only."""
    first, *others = filter(None, phrase.split(GAP))
    return first, tuple(others)


def follow(text: str, parts: tuple[str, ...], end: int) -> tuple[int, int] | None:
    """Where the last of ``parts`` stands when all follow what ends at ``end``; else None."""
    first, start = end, end
    for part in parts:
        start = text.find(part, end, end + REACH + len(part))
        if start < 0:
            return None
        end = start + len(part)
    if _SENTENCE.search(text, first, start):
        return None
    return start, end


def sentence_end(text: str, at: int) -> int:
    """Where the sentence that holds position ``at`` ends."""
    stop = _SENTENCE.search(text, at)
    return stop.start() if stop else len(text)
