"""Is a life or much else in danger right now? A decision of its own, beside the class.

Recall comes first: a phrase of danger counts unless the same clause denies it, supposes it, or puts
it into the past or a drill; one that is left standing is enough.

What is listened for (phrases.tsv, and the keywords of grade-1 classes of three characters or more):
``emergency``  a phrase, also with gaps (``streams.core.phrases``);
               weight under 1: a hint, and hints of one sentence add up to an emergency at 1;
               weight 0 takes a keyword of the taxonomy out
``negation``   right before the danger; weight under 1: only here, classification does not listen
``past``       anywhere in the clause; weight 2 and more: anywhere in the text (虚惊一场)
``trap``       a name or a figure of speech around the danger (火锅店, 跳楼价)
A longer keyword of a grade 3 or 4 class around the danger takes it away too (烟囱冒黑烟). In a long
letter a danger counts at its front, or where its clause says that it is happening now: every tenth
of 4,326 real petitions mentions a fire, a fall or a fraud of the past somewhere.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Profile
from streams.core.phrases import GAP, follow, parts_of, sentence_end

_DENY = {1: 1}  # characters a one-character negation may stand before the danger; longer ones:
_DENY_LONG = 4
_MARKS = frozenset(",。;!?、\n,.;!?")
LONG, FRONT = 120, 60  # characters: beyond FRONT of a text longer than LONG, only what is now
_NOW = re.compile(
    "正在|刚刚|刚才|快来|此刻|马上派|赶紧来|赶快来|还在[冒烧流漏打喊着里]|不停地[冒流]"
)
# In the same clause these keep a past danger present: 「上次着火,现在又着了」.
_ONGOING = re.compile("正在|现在|还在|仍在|越来越|刚刚|快来|救命|此刻|又[^,。]{0,4}了|今天")
ENOUGH = 1.0  # of hints
SOUNDS_LIKE = 0.05  # danger of a model from which on a text is one, unless it knows better
_OF_CLASS = 3  # shortest keyword of a grade-1 class that is an emergency by itself


class Heard(NamedTuple):
    """The decision and its reason in Chinese; "" when nothing of danger was said."""

    emergency: bool
    reason: str


class _Sound(NamedTuple):
    text: str
    danger: bool
    hint: float  # 0 = none
    against: str  # "" | negation | past | settled | cover
    more: tuple[tuple[str, tuple[str, ...]], ...]  # phrases with gaps that begin here, other parts


class Emergencies:
    """Compiled phrases of danger of a profile."""

    def __init__(self, profile: Profile, bar: float = SOUNDS_LIKE) -> None:
        self._bar = bar
        self._sounds = _compile(profile)
        self._find = AhoCorasick([s.text for s in self._sounds]).find_matches_as_indexes

    def is_emergency(self, text: str, channel: str = "", danger: float = -1.0) -> Heard:
        """Whether a text reports an emergency. ``danger``: what the classifier's model says; it
        can only add one, where nothing was heard that was denied. No channel is exempt.
        """
        heard = self._listen(text)
        if heard.emergency or heard.reason or danger < self._bar or len(text) > LONG:
            return heard
        return Heard(True, f"用词近似险情({danger:.2f})")

    def _listen(self, text: str) -> Heard:
        matches = self._find(text, overlapping=True)
        if not matches:
            return _SILENT
        sounds = self._sounds
        against = [(sounds[i], begin, stop) for i, begin, stop in matches if sounds[i].against]
        denied: list[str] = []
        hints: dict[str, float] = {}
        sentence = -1
        for index, start, end in matches:
            sound = sounds[index]
            if sound.hint and not _far(text, start):
                stop = sentence_end(text, start)
                if stop != sentence:
                    sentence, hints = stop, {}
                if not _against(text, against, start, end):
                    hints[sound.text] = sound.hint
                    if sum(hints.values()) >= ENOUGH:
                        return Heard(True, "同时出现" + "、".join(f"“{hint}”" for hint in hints))
            for phrase, begin, stop in _dangers(sound, text, start, end):
                reason = _against(text, against, start, end)
                if not reason and begin != start:
                    reason = _against(text, against, begin, stop)
                if reason:
                    denied.append(f"“{phrase}”因“{reason}”不算")
                elif _far(text, start):
                    denied.append(f"“{phrase}”在长文中提到,没有说正在发生")
                else:
                    return Heard(True, f"出现“{phrase}”")
        return Heard(False, ";".join(dict.fromkeys(denied[:3]))) if denied else _SILENT


_SILENT = Heard(False, "")
_Against = list[tuple[_Sound, int, int]]


def _dangers(sound: _Sound, text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Phrases of danger that begin with this sound, and where their last part stands."""
    found = [(sound.text, start, end)] if sound.danger else []
    for phrase, parts in sound.more:
        last = follow(text, parts, end)
        if last is not None:
            found.append((phrase, *last))
    return found


def _far(text: str, start: int) -> bool:
    """Deep inside a long letter, and nothing in its clause says that it is happening now?"""
    if len(text) <= LONG or start <= FRONT:
        return False
    left, right = _clause(text, start)
    return _NOW.search(text, left, right) is None


def _clause(text: str, at: int) -> tuple[int, int]:
    left = right = at
    while left > 0 and text[left - 1] not in _MARKS:
        left -= 1
    while right < len(text) and text[right] not in _MARKS:
        right += 1
    return left, right


def _against(text: str, against: _Against, start: int, end: int) -> str:
    """What denies, dates back or explains away the danger at ``start``; "" when nothing does."""
    left, right = _clause(text, start)
    found = ""
    for sound, begin, stop in against:
        kind, said = sound.against, sound.text
        if len(said) <= len(found):
            continue
        if begin <= start and end <= stop and stop - begin > end - start:
            counts = kind != "past"  # inside a name or a longer phrase that says the opposite
        elif kind == "negation":
            reach = _DENY.get(stop - begin, _DENY_LONG)
            counts = begin >= left and 0 <= start - stop <= reach
        elif kind == "past":
            counts = left <= begin < right and not _ONGOING.search(text, left, right)
        else:
            counts = kind == "settled"
        if counts and (kind == "negation" or not _denied(begin, against)):
            found = said
    return found


def _denied(start: int, against: _Against) -> bool:
    """Does a negation stand right before ``start``? 不是演习 is no drill."""
    return any(sound.against == "negation" and stop == start for sound, _, stop in against)


def _compile(profile: Profile) -> list[_Sound]:
    danger: set[str] = set()
    hints: dict[str, float] = {}
    off: set[str] = set()
    gaps: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    against: dict[str, str] = {}
    for row in profile.phrases:
        if row.kind == "emergency" and row.weight <= 0:
            off.add(row.phrase)
        elif row.kind == "emergency" and row.weight < 1:
            hints[row.phrase] = row.weight
        elif row.kind == "emergency" and GAP in row.phrase:
            first, others = parts_of(row.phrase)
            gaps.setdefault(first, []).append((row.phrase, others))
        elif row.kind == "emergency":
            danger.add(row.phrase)
        elif row.kind == "past":
            against[row.phrase] = "settled" if row.weight >= 2 else "past"
        elif row.kind in ("negation", "trap"):
            against[row.phrase] = "negation" if row.kind == "negation" else "cover"
    for entry in profile.taxonomy.values():
        if entry.grade == 1:
            danger |= {w for w in entry.keywords if len(w) >= _OF_CLASS} - off
    names = [n for place in profile.places.values() for n in (place.name, *place.aliases)]
    names += [w for row in profile.taxonomy.values() if row.grade >= 3 for w in row.keywords]
    heard = AhoCorasick(sorted(danger) or [GAP]).find_matches_as_indexes
    for name in names:
        if name not in danger and heard(name):
            against.setdefault(name, "cover")
    texts = sorted({*danger, *hints, *gaps, *against})
    return [
        _Sound(t, t in danger, hints.get(t, 0.0), against.get(t, ""), tuple(gaps.get(t, ())))
        for t in texts
    ]
