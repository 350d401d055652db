"""Is a life or much else in danger right now? A decision of its own, beside the class.

Recall comes first: a phrase of danger counts unless the same clause denies it, supposes it, or puts
it into the past or a drill; one that is left standing is enough. Where none is, the learned danger
decides (``streams.core.ngrams.danger_of``): it can only add emergencies. Its bar is higher after a
danger that was denied.

What is listened for (phrases.tsv, and the keywords of grade-1 classes of three characters or more):
``emergency``  a phrase, also with gaps (``streams.core.phrases``);
               weight under 1: a hint, and hints of one sentence add up to an emergency at 1 (what
               is as often said of calm matters is one: 塌了, 打架, 没反应);
               weight 0 takes a keyword of the taxonomy out
``negation``   right before the danger; weight under 1: only here, classification does not listen;
               weight 0.3 and less: a worry, a supposition or hearsay, which reaches to the end of
               its clause (担心哪天电动车会着火)
``past``       anywhere in the clause; weight 2 and more: anywhere in the text (虚惊一场)
``trap``       a name or a figure of speech around the danger (火锅店, 跳楼价)
A longer keyword of a grade 3 or 4 class around the danger takes it away too (烟囱冒黑烟). In a long
letter a danger counts at its front, or where its clause says that it is happening now: every tenth
of 4,326 real petitions mentions a fire, a fall or a fraud of the past somewhere.
"""

from __future__ import annotations

import re
from math import log
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Profile
from streams.core.phrases import GAP, follow, parts_of, sentence_end

_DENY = {1: 1}  # characters a one-character negation may stand before the danger; longer ones:
_DENY_LONG = 4
_SUPPOSED = 0.3  # weight of a negation up to which it reaches through its clause
_MARKS = frozenset(",。;!?、\n,.;!?")
LONG, FRONT = 120, 60  # characters: beyond FRONT of a text longer than LONG, only what is now
_NOW = re.compile(
    "正在|刚刚|刚才|快来|此刻|马上派|赶紧来|赶快来|还在[冒烧流漏打喊着里]|不停地[冒流]"
)
# In the same clause these keep a past danger present: 「上次着火,现在又着了」.
_ONGOING = re.compile(
    "正在|现在(?!都?还?也?没)|还在|仍在|越来越|刚刚|快来|救命|此刻|又[^,。]{0,4}了|今天"
)
ENOUGH = 1.0  # of hints
SOUNDS_LIKE = 0.0  # danger of a model from which on a text is one, unless it knows better
DENIED = -1.0  # log odds that a danger that was denied adds; fitted on unread texts
_OF_CLASS = 3  # shortest keyword of a grade-1 class that is an emergency by itself


class Heard(NamedTuple):
    """The decision and its reason in Chinese; "" when nothing of danger was said."""

    emergency: bool
    reason: str


class _Sound(NamedTuple):
    text: str
    weight: float  # 1 = danger, less = a hint, 0 = neither
    against: str  # "" | negation | supposed | past | settled | cover
    more: tuple[tuple[str, float, tuple[str, ...]], ...]  # with gaps, beginning here: other parts


class Emergencies:
    """Compiled phrases of danger of a profile."""

    def __init__(self, profile: Profile, bar: float = SOUNDS_LIKE) -> None:
        self._bar = odds(bar)
        self._sounds = _compile(profile)
        self._find = AhoCorasick([s.text for s in self._sounds]).find_matches_as_indexes

    def is_emergency(self, text: str, channel: str = "", danger: float = -1.0) -> Heard:
        """Whether a text reports an emergency. ``danger``: what the classifier's model says, -1..1;
        it can only add one. No channel is exempt."""
        heard, lean, hints = self.listen(text)
        if heard.emergency or len(text) > LONG or odds(danger) + lean < self._bar:
            return heard
        hinted = "提到" + "、".join(f"“{hint}”" for hint in hints) + "," if hints else ""
        return Heard(True, f"{hinted}整体用词近似险情(把握 {(danger + 1) / 2:.0%})")

    def listen(self, text: str) -> tuple[Heard, float, tuple[str, ...]]:
        """What phrases alone decide; what they add to the log odds where they do not; hints."""
        matches = self._find(text, overlapping=True)
        if not matches:
            return _SILENT, 0.0, ()
        sounds = self._sounds
        against = [(sounds[i], begin, stop) for i, begin, stop in matches if sounds[i].against]
        denied: list[str] = []
        hinted: list[str] = []
        lean = 0.0
        hints: dict[str, float] = {}
        sentence = taken = -1
        counted = ""
        for index, start, end in matches:
            for phrase, weight, begin, stop in _dangers(sounds[index], text, start, end):
                reason = _against(text, against, start, end)
                if not reason and begin != start:
                    reason = _against(text, against, begin, stop)
                if reason and weight < 1:
                    lean = DENIED
                elif reason:
                    denied.append(f"“{phrase}”因“{reason}”不算")
                elif _far(text, start):
                    denied.append(f"“{phrase}”在长文中提到,没有说正在发生")
                elif weight >= 1:
                    return Heard(True, f"出现“{phrase}”"), 0.0, ()
                else:
                    last = sentence_end(text, start)
                    if last != sentence:
                        sentence, taken, hints = last, -1, {}
                    hinted.append(phrase)
                    if start < taken:  # the same words again count once
                        weight = max(weight, hints.pop(counted, 0.0))
                    counted, taken = phrase, max(taken, end)
                    hints[phrase] = weight
                    if sum(hints.values()) >= ENOUGH:
                        both = "、".join(f"“{hint}”" for hint in hints)
                        return Heard(True, f"同时出现{both}"), 0.0, ()
        lean = DENIED if denied else lean
        heard = Heard(False, ";".join(dict.fromkeys(denied[:3]))) if denied else _SILENT
        return heard, lean, tuple(dict.fromkeys(hinted[:3]))


def odds(danger: float) -> float:
    """Log odds of a danger of -1..1."""
    danger = min(max(danger, -0.9999), 0.9999)
    return log((1.0 + danger) / (1.0 - danger))


_SILENT = Heard(False, "")
_Against = list[tuple[_Sound, int, int]]


def _dangers(sound: _Sound, text: str, start: int, end: int) -> list[tuple[str, float, int, int]]:
    """Phrases of danger that begin with this sound, weighed, and where their last part stands."""
    found = [(sound.text, sound.weight, start, end)] if sound.weight else []
    for phrase, weight, parts in sound.more:
        last = follow(text, parts, end)
        if last is not None:
            found.append((phrase, weight, *last))
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
        elif kind == "supposed":
            counts = left <= begin and stop <= start and not _ONGOING.search(text, left, right)
        else:
            counts = kind == "settled"
        if counts and (kind == "negation" or not _denied(begin, against)):
            found = said
    return found


def _denied(start: int, against: _Against) -> bool:
    """Does a negation stand right before ``start``? 不是演习 is no drill."""
    return any(sound.against == "negation" and stop == start for sound, _, stop in against)


def _compile(profile: Profile) -> list[_Sound]:
    danger: dict[str, float] = {}
    off: set[str] = set()
    gaps: dict[str, list[tuple[str, float, tuple[str, ...]]]] = {}
    against: dict[str, str] = {}
    for row in profile.phrases:
        if row.kind == "emergency" and row.weight <= 0:
            off.add(row.phrase)
        elif row.kind == "emergency" and GAP in row.phrase:
            first, others = parts_of(row.phrase)
            gaps.setdefault(first, []).append((row.phrase, min(row.weight, 1.0), others))
        elif row.kind == "emergency":
            danger[row.phrase] = min(row.weight, 1.0)
        elif row.kind == "past":
            against[row.phrase] = "settled" if row.weight >= 2 else "past"
        elif row.kind in ("negation", "trap"):
            supposed = "supposed" if row.weight <= _SUPPOSED else "negation"
            against[row.phrase] = supposed if row.kind == "negation" else "cover"
    for entry in profile.taxonomy.values():
        if entry.grade == 1:
            for word in entry.keywords:
                if len(word) >= _OF_CLASS and word not in off:
                    danger.setdefault(word, 1.0)
    names = [n for place in profile.places.values() for n in (place.name, *place.aliases)]
    names += [w for row in profile.taxonomy.values() if row.grade >= 3 for w in row.keywords]
    heard = AhoCorasick(sorted(danger) or [GAP]).find_matches_as_indexes
    for name in names:
        if name not in danger and heard(name):
            against.setdefault(name, "cover")
    texts = sorted({*danger, *gaps, *against})
    return [
        _Sound(t, danger.get(t, 0.0), against.get(t, ""), tuple(gaps.get(t, ()))) for t in texts
    ]
