"""House and building numbers: 128, 一百二十八, 一二八, 一百2十."""

from __future__ import annotations

#: a number in digits, in Chinese numerals or in both (regular expression, no group)
NUMBER = r"(?:\d{1,5}|[\d零〇一二两三四五六七八九十百千]{1,8})"
_ONES = {sign: n for n, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}


def number(text: str) -> int:
    """The value of what ``NUMBER`` matches: up to 9,999 in words, any in digits."""
    if text.isdecimal():
        return int(text)
    if not _TENS.keys() & set(text):
        return int("".join(str(_ONES.get(sign, sign)) for sign in text))
    total, waiting = 0, ""
    for sign in text:
        if unit := _TENS.get(sign):
            total += int(waiting or "1") * unit
            waiting = ""
        else:
            waiting += str(_ONES.get(sign, sign))
    return total + int(waiting or "0")
