"""Contacts out of free text, before it goes anywhere: phones, numbers of persons, cards, plates.

Masks are whole: ``138****5678`` still finds a person within a street.
Sources: GB 11643-1999 (identity numbers), GA 36-2018 (plates), the mobile ranges of GB/T 32635.
"""

from __future__ import annotations

import re

# A digit may not stand on either side: case and serial numbers are longer and must stay whole.
_HAN = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SEP = r"[\s\-—·.]?"
_MASKS: tuple[tuple[str, str], ...] = (
    ("[证件号]", r"(?<![\dA-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])"
                 r"(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"),
    ("[证件号]", r"(?<![\dA-Za-z])[1-9]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}"
                 r"(?![\dA-Za-z])"),
    ("[电话]",   rf"(?<![\dA-Za-z])(?:\+?86{_SEP})?1[3-9]\d{_SEP}\d{{4}}{_SEP}\d{{4}}(?!\d)"),
    ("[电话]",   r"(?<!\d)\(?0\d{2,3}\)?[\s\-—]?[2-9]\d{6,7}(?:[\-转]\d{1,5})?(?!\d)"),
    ("[电话]",   r"(?<=电话)(?:[是为号码::\s]{0,4})[2-9]\d{6,7}(?!\d)"),
    ("[银行卡]", r"(?<!\d)(?:62|4|5|3[57])\d{2}(?:[\s\-]?\d{4}){2,3}(?:[\s\-]?\d{1,4})(?!\d)"),
    ("[车牌]",   rf"[{_HAN}][A-HJ-NP-Z][·•\s\-]?"
                 r"(?:[A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[挂学警])(?![A-Z0-9])"),
    ("[邮箱]",   r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}"),
    ("[微信]",   r"(?:(?<=微信)|(?<=微信号)|(?<=VX)|(?<=vx)|(?<=加V)|(?<=加v))"
                 r"[是为::\s]{0,3}[A-Za-z][A-Za-z0-9_\-]{5,19}"),
    ("[QQ]",     r"(?:(?<=QQ)|(?<=qq)|(?<=扣扣))[号是为::\s]{0,3}[1-9]\d{4,10}"),
)  # fmt: skip
_RULES = tuple((mask, re.compile(pattern)) for mask, pattern in _MASKS)
_WIDE = str.maketrans("0123456789-+xX", "0123456789-+xX")
# Worth the rules at all? Five digits in a row or a sign of an address. One cheap pass a text.
_SUSPECT = re.compile(
    rf"\d{{3}}[\d\s\-—·.]{{2}}|@|微信|[Vv][Xx]|加[Vv]|[{_HAN}][A-HJ-NP-Z][·•\s\-]?[A-Z0-9]|[0-9]{{3}}"
)
# A token that is a phone or an identity number is no token.
_PERSON = re.compile(r"(?:\+?86[\-.]?)?1[3-9]\d{9}|[1-9]\d{16}[\dXx]|0\d{2,3}-?[2-9]\d{6,7}")


def redact(text: str) -> str:
    """The text with each contact replaced by what it was: ``[电话]``, ``[证件号]`` …"""
    if _SUSPECT.search(text) is None:
        return text
    text = text.translate(_WIDE)
    for mask, rule in _RULES:
        text = rule.sub(mask, text)
    return text


def is_contact(token: str) -> bool:
    """Is a reporter's token a contact in the clear?"""
    return _PERSON.fullmatch(token) is not None
