"""Text → class: weighted phrases of the profile and a learned model, added up.

Phrases (``streams.core.listening``) give the reasons an operator understands; the model
(``streams.core.ngrams``) hears what is worded differently. The confidence is how often
a class with such a lead was right on texts the model had not read (``streams.core.training``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from schemas.profile import Profile
from streams.core.heading import SHORTEST, heading_of
from streams.core.listening import Listener, Said
from streams.core.ngrams import Model, Ngrams, Scores, confidence_at, danger_of
from streams.core.training import untaught


class Classified(NamedTuple):
    """``code`` is the best class, "" when nothing was recognised; ``confidence`` is 0..1."""

    code: str
    confidence: float
    top3: tuple[str, ...]
    reasons: tuple[str, ...]
    danger: float = -1.0  # how much the wording sounds like an emergency, about -1..1
    grave: str = ""  # the class of grade 1 nearly as likely as a calmer ``code``, of the three
    grave_name: str = ""

    def if_emergency(self) -> Classified:
        """As it is when the text turns out to be an emergency: nearly as likely a class of grade 1
        goes first."""
        if not self.grave:
            return self
        return self._replace(
            code=self.grave,
            confidence=min(self.confidence, GRAVE_RIGHT),
            top3=(self.grave, *(code for code in self.top3 if code != self.grave)),
            reasons=(f"{self.grave_name}:紧急,取可能的特急类别", *self.reasons),
            grave="",
            grave_name="",
        )


#: share of the best score from which on a class of grade 1 is nearly as likely. Of emergencies the
#: model had not read it put 207 right and 96 wrong
GRAVE = 0.65
GRAVE_RIGHT = 0.46  # how often it was the right one, of 446
TITLE = 2.0  # weight of a title beside its text, where the profile says nothing of headings
NOTHING = Classified("", 0.0, (), ("没有可识别的内容",))


class Classifier:
    """Phrases and model of a profile. Without ``model`` one is learned from its tables alone, in a
    tenth of a second: what ``training/`` teaches is not in it (``streams.learned`` has it)."""

    def __init__(self, profile: Profile, model: Model | None = None) -> None:
        whole = untaught(profile) if model is None else model
        self.codes = list(profile.taxonomy)
        self._names = [row.name for row in profile.taxonomy.values()]
        self._grave = [row.grade == 1 for row in profile.taxonomy.values()]
        self._listener = Listener(profile)
        self._ngrams = Ngrams(whole)
        self.model = replace(whole, grams=())  # they live on in what finds them
        self._mix = np.float32(self.model.mix)
        self._sharpness = np.float32(self.model.sharpness)
        self._heading = profile.station.heading_weight
        self._title = np.float32(self._heading or TITLE)

    def classify(self, text: str, title: str = "", channel: str = "") -> Classified:
        """The three best classes of a text. ``channel`` is for later use."""
        if self._heading and not title:
            title, text = heading_of(text)
        whole = f"{title}\n{text}" if title else text
        apart = len(title) >= SHORTEST  # a shorter one is a label, which would drown the text
        learned = self._heard(title, text) if apart else self._ngrams.scores(whole)
        scores = learned[:-1] * self._mix
        said = self._listener.said(whole, len(title))
        voted: dict[int, float] = {}
        for _, factor, votes in said:
            for index, weight in votes:
                voted[index] = voted.get(index, 0.0) + weight * factor
        for index, weight in voted.items():
            scores[index] += weight
        return self._rank(scores, said, learned.item(-1), len(title) + len(text))

    def _heard(self, title: str, text: str) -> Scores:
        """What the model makes of a letter: heading and body each heard for itself, since a long
        body drowns its heading. The danger is that of the one that sounds worse."""
        parts = [(part, w) for part, w in ((title, self._title), (text, np.float32(1))) if part]
        heard = [(self._ngrams.scores(part), weight) for part, weight in parts]
        if not heard:
            return self._ngrams.scores("")
        scores: Scores = sum(scores * weight for scores, weight in heard)  # type: ignore[assignment]
        scores /= sum(weight for _, weight in heard)
        scores[-1] = max(scores[-1] for scores, _ in heard)
        return scores

    def _rank(self, scores: Scores, said: list[Said], sound: float, length: int) -> Classified:
        first = int(scores.argmax())
        top = scores.item(first)
        chances = np.exp((scores - top) * self._sharpness)
        spread = float(np.add.reduce(chances))
        share = float(chances.dot(self.model.shares)) / spread
        danger = danger_of(self.model.alarm, sound, share, length)
        if top <= 0:
            return NOTHING._replace(danger=danger)
        best, rest, grave = [first], 0.0, -1
        calm = not self._grave[first]
        for _ in range(min(2, len(scores) - 1)):  # two more maxima cost half of one partial sort
            scores[best[-1]] = -np.inf
            best.append(int(scores.argmax()))
            score = scores.item(best[-1])
            rest = rest or score
            if calm and self._grave[best[-1]] and score >= GRAVE * top:
                grave, calm = best[-1], False
        codes = self.codes
        heard = [shown for shown, _, votes in said for index, _ in votes if index == first]
        words = "、".join(f"“{word}”" for word in heard[:4])
        reason = f"出现{words}" if words else "用词与该类相近"
        reasons = [f"{self._names[first]}:{reason}"]
        if rest > 0.7 * top and len(best) > 1:
            reasons.append(f"也可能是{self._names[best[1]]}")
        top3 = tuple(codes[n] for n in best)
        sure = confidence_at(self.model.curve, 1.0 / spread)
        found = Classified(codes[first], sure, top3, tuple(reasons), danger)
        if grave < 0:
            return found
        return found._replace(grave=codes[grave], grave_name=self._names[grave])
