"""Text → class: weighted phrases of the profile and a learned model, added up.

Phrases (``streams.core.listening``) give the reasons an operator understands; the model
(``streams.core.ngrams``) hears what is worded differently. The confidence is how often
a class with such a lead was right on texts the model had not read (``streams.core.training``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from schemas.profile import Profile
from streams.core.listening import Listener
from streams.core.ngrams import Model, Ngrams, Scores, confidence_at
from streams.core.training import untaught


class Classified(NamedTuple):
    """``code`` is the best class, "" when nothing was recognised; ``confidence`` is 0..1."""

    code: str
    confidence: float
    top3: tuple[str, ...]
    reasons: tuple[str, ...]
    danger: float = -1.0  # how much the wording sounds like an emergency, about -1..1


NOTHING = Classified("", 0.0, (), ("没有可识别的内容",))


class Classifier:
    """Phrases and model of a profile. Without ``model`` one is learned from its tables alone, in a
    tenth of a second: what ``training/`` teaches is not in it (``streams.learned`` has it)."""

    def __init__(self, profile: Profile, model: Model | None = None) -> None:
        self.model = untaught(profile) if model is None else model
        self.codes = list(profile.taxonomy)
        self._names = [row.name for row in profile.taxonomy.values()]
        self._listener = Listener(profile)
        self._ngrams = Ngrams(self.model)
        self._mix = np.float32(self.model.mix)
        self._sharpness = np.float32(self.model.sharpness)

    def classify(self, text: str, title: str = "", channel: str = "") -> Classified:
        """The three best classes of a text. ``channel`` is for later use."""
        whole = f"{title}\n{text}" if title else text
        learned = self._ngrams.scores(whole)
        scores = learned[:-1] * self._mix
        heard: dict[int, list[str]] = {}
        for shown, factor, votes in self._listener.said(whole, len(title)):
            for index, weight in votes:
                scores[index] += weight * factor
                heard.setdefault(index, []).append(shown)
        return self._rank(scores, heard, float(learned[-1]))

    def _rank(self, scores: Scores, heard: dict[int, list[str]], danger: float) -> Classified:
        spread = np.exp((scores - scores.max()) * self._sharpness).sum()
        best: list[int] = []
        values: list[float] = []
        for _ in range(min(3, len(scores))):  # three maxima cost half of one partial sort
            index = int(scores.argmax())
            best.append(index)
            values.append(float(scores[index]))
            scores[index] = -np.inf
        top, rest = values[0], values[1] if len(values) > 1 else 0.0
        if top <= 0:
            return NOTHING
        first, codes = best[0], self.codes
        words = "、".join(f"“{word}”" for word in heard.get(first, [])[:4])
        reason = f"出现{words}" if words else "用词与该类相近"
        reasons = [f"{self._names[first]}:{reason}"]
        if rest > 0.7 * top and len(best) > 1:
            reasons.append(f"也可能是{self._names[best[1]]}")
        top3 = tuple(codes[n] for n in best)
        sure = confidence_at(self.model.curve, 1.0 / float(spread))
        return Classified(codes[first], sure, top3, tuple(reasons), danger)
