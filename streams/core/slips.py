"""Names that were misheard or mistyped: the same sound, or one character missing, added or wrong.

Looked for only where a name may end: before a house or building number, and behind the endings
that names of this jurisdiction have (路, 园, 小区 …). What tells names apart is never a slip:
directions, sizes, numbers (朝阳南路 is not 朝阳北路).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.core.numerals import NUMBER
from streams.core.sounds import heard

SAME_SOUND, ONE_OFF = 0.85, 0.7  # how far a name found by its sound is trusted
_SHORTEST, _LONGEST = 3, 10
_NUMBERED = re.compile(rf"(?=第?{NUMBER}(?:[-到]{NUMBER})?(?:号|栋|幢|座|弄|#|单元|期))")
_TELLING = frozenset("东南西北中上下前后左右内外新老大小一二三四五六七八九十0123456789路街巷道")
_WORD = re.compile(r"[^\u4e00-\u9fffA-Za-z0-9]")
#: characters a name is spoken after
_BEFORE = frozenset(",,。;;:: ()在到去就是的我住和与从跟离沿往县区镇乡街道村社那这")
_ENDINGS_OF = 0.004  # of all names must end so for an ending to be one


class Slip(NamedTuple):
    start: int
    end: int
    names: tuple[str, ...]  # several that sound alike
    trust: float


class Slips:
    """An index over names of three characters and more."""

    def __init__(self, names: Iterable[str]) -> None:
        self._same: dict[str, tuple[str, ...]] = {}
        self._fewer: dict[str, tuple[str, ...]] = {}  # a name's sound without one character
        self._other: dict[str, tuple[str, ...]] = {}  # with one character left open
        endings: Counter[str] = Counter()
        count = 0
        for name in sorted({name for name in names if len(name) >= _SHORTEST}):
            sound = heard(name)
            count += 1
            endings[sound[-1]] += 1
            _add(self._same, sound, name)
            if len(name) < 4:
                continue
            for i, sign in enumerate(name[:-1]):  # its ending is what it was found by
                if sign in _TELLING:
                    continue
                _add(self._fewer, sound[:i] + sound[i + 1 :], name)
                if i > 0 and len(name) > 4:
                    _add(self._other, f"{sound[:i]}\0{sound[i + 1 :]}", name)
        self._endings = {sign for sign, n in endings.items() if n >= count * _ENDINGS_OF}
        #: how names begin, by their first two sounds and with one missing or added between
        self._starts = {key[:2] for key in (*self._same, *self._fewer)}
        self._starts |= {key[0] + key[2] for key in self._same}

    def find(self, text: str, certain: bool = False) -> list[Slip]:
        """Slips in a text. ``certain``: it is an address, so that every ending is a name's."""
        sound = heard(text)
        numbered = {m.start() for m in _NUMBERED.finditer(text)}
        ends = numbered | {i + 1 for i, sign in enumerate(sound) if sign in self._endings}
        found: list[Slip] = []
        for end in sorted(ends):
            slip = self._ending_at(text, sound, end, certain or end in numbered)
            if slip is not None:
                found.append(slip)
        return [a for a in found if not any(_inside(a, b) for b in found)]

    def _ending_at(self, text: str, sound: str, end: int, certain: bool) -> Slip | None:
        starts = [
            start
            for start in range(max(0, end - _LONGEST), end - _SHORTEST + 1)
            if self._may_begin(sound, start) and not _WORD.search(text, start, end)
        ]
        for start in starts:
            if names := self._same.get(sound[start:end]):
                return Slip(start, end, _likest(text[start:end], names), SAME_SOUND)
        for start in starts:
            whole = start == 0 or text[start - 1] in _BEFORE
            names = tuple(self._one_off(text[start:end], sound[start:end], certain, whole))
            if names:
                return Slip(start, end, _likest(text[start:end], names), ONE_OFF)
        return None

    def _may_begin(self, sound: str, at: int) -> bool:
        return sound[at : at + 2] in self._starts or sound[at] + sound[at + 2] in self._starts

    def _one_off(self, word: str, sound: str, certain: bool, whole: bool) -> Iterator[str]:
        """``whole``: the word cannot have begun earlier (安南路 in 平安南路)."""
        if (certain or len(word) > 3) and (whole or len(word) > 3):
            yield from self._fewer.get(sound, ())
        for i, sign in enumerate(word):
            if sign in _TELLING:
                continue
            if 0 < i < len(word) - 1 and len(word) > 4:  # at its ends it is only the next word
                yield from (
                    n for n in self._same.get(sound[:i] + sound[i + 1 :], ()) if n[0] == word[0]
                )
            if 0 < i < len(word) - 1 and len(word) > 4 and (certain or len(word) > 5):
                yield from self._other.get(f"{sound[:i]}\0{sound[i + 1 :]}", ())


def _add(index: dict[str, tuple[str, ...]], key: str, name: str) -> None:
    index[key] = (*index.get(key, ()), name)


def _likest(word: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those with the most characters in common: 南胡家园 is 南湖家园 and not 南湖嘉园."""
    alike = {name: sum((Counter(word) & Counter(name)).values()) for name in names}
    most = max(alike.values())
    return tuple(name for name, n in alike.items() if n == most)


def _inside(a: Slip, b: Slip) -> bool:
    return (
        a is not b and b.start <= a.start and a.end <= b.end and b.end - b.start > a.end - a.start
    )
