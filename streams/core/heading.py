"""Where the heading of a letter ends when heading and body arrive as one text."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 4, 60  # characters of a heading
_END = re.compile(r"[。!?!?\n\r\t]|\s{1,}")
_GREETING = re.compile(r"\s*(尊敬|敬爱|您好|你好|各位|领导|致)")


def heading_of(text: str) -> tuple[str, str]:
    """Heading and body: the first sentence or line, when it is as long as a heading may be and not
    how a letter greets. ("", text) for a text without one."""
    end = _END.search(text, SHORTEST, LONGEST + 1)
    if end is None or _GREETING.match(text):
        return "", text
    body = text[end.end() :].strip()
    return (text[: end.start()], body) if body else ("", text)
