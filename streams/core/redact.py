"""Contacts out of free text before it goes anywhere: ``schemas.redact`` and what people chat by.

A report that came past the edge (direct Kafka) is masked here, so no event can hold a contact.
"""

from __future__ import annotations

import re

from schemas import redact as edge

# Is there anything to mask at all? One cheap pass; most texts end here. ``\\d`` is any width.
_SUSPECT = re.compile(
    r"\d[\d\-— ]{2}|[@@]|姓名|联系人|微信|[Vv][Xx]|[加+][Vv]|[QqQ]{2}|扣扣"
    r"|[\u4e00-\u9fff][A-Z][·•\- ]?[A-Z0-9]"
)
_CHAT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("[微信]", re.compile(
        r"(?:(?<=微信)|(?<=微信号)|(?<=[Vv][Xx])|(?<=[加+][Vv]))[号是为:: ]{0,3}"
        r"[A-Za-z][A-Za-z0-9_\-]{5,19}")),
    ("[QQ]",   re.compile(r"(?:(?<=[Qq]{2})|(?<=扣扣))[号是为:: ]{0,3}[1-9]\d{4,10}(?!\d)")),
)  # fmt: skip
# A reporter's token that is a phone or an identity number is no token.
_CONTACT = re.compile(
    r"(?:(?:\+|00)?86[\-.]?)?1[3-9]\d{9}|[1-9]\d{16}[\dXx]|0\d{2,3}-?[2-9]\d{6,7}"
)


def redact(text: str) -> str:
    """The text with each contact replaced by what it was: ``[手机号]``, ``[证件号]`` …"""
    if _SUSPECT.search(text) is None:
        return text
    for mask, rule in _CHAT:
        text = rule.sub(mask, text)
    return edge.redact(text)


def is_contact(token: str) -> bool:
    """Is a reporter's token a contact in the clear?"""
    return _CONTACT.fullmatch(token) is not None
