"""Masks what identifies a person in free text: phones, identity numbers, cards, plates, mail.

Used at the edge before anything reaches a topic, and wherever text could come past the edge.
Masks are shorter than what they replace and contain nothing that is masked again.
"""

from __future__ import annotations

import re
from typing import Final

# Callers type full-width signs; one sign stays one sign, so spans carry over.
_HALF_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE: Final = re.compile(r"[\uff0b\uff0d\uff10-\uff19\uff20-\uff3a\uff41-\uff5a]")

_BIRTHDAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_NAME: Final = r"[:\uff1a]\s*[\u4e00-\u9fff·]{2,4}(?![\u4e00-\u9fff])"
_MAIL: Final = r"[A-Za-z0-9._%+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}"
_LANDLINE: Final = r"[(\uff08]?0\d{2,3}[)\uff09]?[- ]?[2-9]\d{6,7}(?:[-转]\d{1,5})?"

# Most specific first: an identity number also contains what looks like a landline.
# 15-digit numbers were issued until 1999: two-digit years below 20 are grid codes, not people.
_NUMBERS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("[证件号]", re.compile(rf"(?<!\d)[1-9]\d{{5}}(?:18|19|20)\d\d{_BIRTHDAY}\d{{3}}[\dXx](?!\d)")),
    ("[证件号]", re.compile(rf"(?<!\d)[1-8]\d{{5}}[2-9]\d{_BIRTHDAY}\d{{3}}(?!\d)")),
    ("[手机号]", re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")),
    ("[电话]",   re.compile(rf"(?<!\d){_LANDLINE}(?!\d)")),
    ("[电话]",   re.compile(r"(?<=电话)[:\uff1a是为 ]{0,2}[2-9]\d{6,7}(?!\d)")),
    ("[银行卡]", re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)")),
)  # fmt: skip
_MAILS: Final = (("[邮箱]", re.compile(_MAIL)),)
_PLATES: Final = (("[车牌]", re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z][·•\- ]?(?=[A-Z]{{0,5}}\d)[A-HJ-NP-Z0-9]{{4,5}}"
    r"[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])")),)  # fmt: skip
_NAMES: Final = (("[姓名]", re.compile(rf"(?<=姓名){_NAME}|(?<=联系人){_NAME}")),)

# Rules cost; most texts hold none of these cues. Seven digits is the shortest number we mask.
_CUED: Final = (
    (re.compile("@"),                _MAILS),
    (re.compile(r"\d(?:[- )\uff09]?\d){6}"), _NUMBERS),
    (re.compile(r"[A-Z][·•\- ]?[A-Z0-9]{4}"), _PLATES),
    (re.compile("姓名|联系人"),      _NAMES),
)  # fmt: skip


def redact(text: str) -> str:
    """``text`` with personal identifiers replaced by masks such as ``[手机号]``.

    Public service numbers (110, 12345, 400-…) stay. ``redact(redact(t)) == redact(t)``.
    """
    plain = text.translate(_HALF_WIDTH) if _WIDE.search(text) else text
    for cue, rules in _CUED:
        if cue.search(plain):
            for mask, pattern in rules:
                text, plain = _replace(text, plain, pattern, mask)
    return text


def _replace(text: str, plain: str, pattern: re.Pattern[str], mask: str) -> tuple[str, str]:
    """Both with the matches in ``plain`` masked, so that they stay sign for sign alike."""
    spans = [
        match.span()
        for match in pattern.finditer(plain)
        if mask != "[银行卡]" or _luhn(match.group())
    ]
    for start, end in reversed(spans):
        text = text[:start] + mask + text[end:]
        plain = plain[:start] + mask + plain[end:]
    return text, plain


def _luhn(number: str) -> bool:
    """ISO/IEC 7812 check digit over 16 to 19 digits."""
    digits = [int(sign) for sign in number if sign.isdigit()]
    if not 16 <= len(digits) <= 19:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
