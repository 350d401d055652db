"""Classes, emergencies and confidence on texts the model had not read.

Two measures, because there are two kinds of texts:
held out   each text of ``training/`` as scored by a model that learned all others but it and its
           neighbours, which the same person wrote; every fifth is an emergency or nearly one
examples   the example texts of the taxonomy; the model learned none of them. Phrases of the
           profile were written by somebody who had read a part of these, so the honest rows leave
           out each phrase that stands in an example and in fewer than two other texts.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ops.evaluate.figures import Table, hits
from schemas.profile import Profile
from streams.core.calibration import USUAL, Judged, curve_of
from streams.core.classify import GRAVE, Classifier
from streams.core.emergency import Emergencies, odds
from streams.core.listening import Listener
from streams.core.ngrams import Model, confidence_at
from streams.core.phrases import GAP
from streams.core.training import (
    FOLDS,
    Document,
    documents,
    learn,
    lengths_of,
    settled,
    votes_of,
)

EXAMPLES = Path(__file__).parents[1] / "simulator" / "texts.tsv"
AFTER = (
    Path(__file__).parents[2]
    / "schemas"
    / "profiles"
    / "qinglan"
    / "training"
    / "after_examples.tsv"
)
_WORST = 10


class Asked(NamedTuple):
    text: str
    codes: frozenset[str]  # any of these is right
    emergency: bool
    wording: str
    channel: str


class Unread(NamedTuple):
    """Texts of ``training/`` and what was made of each by a model that had not read it."""

    texts: list[Document]
    judged: Judged
    model: Model  # of all texts


def examples() -> list[Asked]:
    with EXAMPLES.open(encoding="utf-8") as lines:
        return [
            Asked(
                row["text"], frozenset({row["code"], row["alt_code"]} - {""}),
                row["emergency"] == "1", row["wording"], row["channel"],
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]  # fmt: skip


def without_examples(profile: Profile) -> Profile:
    """The profile with no example among its texts, nor what was written with the errors made on
    these at hand: its model may be asked about them."""
    known = {a.text for a in examples()}
    with AFTER.open(encoding="utf-8") as lines:
        known |= {
            row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        }
    return replace(profile, training=tuple(t for t in profile.training if t.text not in known))


def honest(profile: Profile) -> Profile:
    """The profile without phrases that may have been taken from an example."""
    asked = [a.text for a in examples()]
    known = set(asked)
    others = [told.text for told in profile.training if told.text not in known]

    def standing(phrase: str, texts: list[str]) -> int:
        parts = [part for part in phrase.split(GAP) if part]
        return sum(all(part in text for part in parts) for text in texts)

    def kept(phrase: str) -> bool:
        return not standing(phrase, asked) or standing(phrase, others) >= 2

    return replace(
        profile,
        phrases=tuple(
            p for p in profile.phrases if p.kind not in ("weight", "emergency") or kept(p.phrase)
        ),
    )


def leave_out(profile: Profile) -> Unread:
    """Learn ``FOLDS`` times, each time without a part of the texts, and once with all."""
    read = documents(profile)
    learned = learn(read, len(profile.taxonomy), profile.station.learner, FOLDS)
    model = settled(read, learned, profile)
    texts = [read[n] for n in learned.held]
    scores = learned.unread[:, :-1] * model.mix + votes_of(profile, texts)
    return Unread(
        texts, Judged(scores, learned.unread[:, -1], lengths_of(texts), model.sharpness), model
    )


def classes(profile: Profile, unread: Unread) -> Iterator[Table]:
    asked = examples()
    table = Table("类别 classes", ("measured on", "by", "texts", "top 1", "top 3"))
    plain = replace(profile, phrases=tuple(p for p in profile.phrases if p.kind != "weight"))
    fair = honest(profile)
    judges: list[tuple[str, Callable[[str], tuple[str, ...]]]] = [
        ("baseline: keywords of the taxonomy", _keywords(plain)),
        ("tables, no learned texts", _top3(Classifier(profile))),
        ("learned, without the profile's phrases", _top3(Classifier(plain, _model(plain)))),
        ("learned, phrases not from examples", _top3(Classifier(fair, _model(fair)))),
        ("learned and phrases", _top3(Classifier(profile, unread.model))),
    ]
    for name, judge in judges:
        answers = [judge(a.text) for a in asked]
        for wording in ("natural", "indirect", ""):
            those = [n for n, a in enumerate(asked) if wording in ("", a.wording)]
            table.add(
                f"examples {wording or 'all'}", name, len(those), *_shares(asked, answers, those)
            )
    if unread.texts:
        best = np.argsort(-unread.judged.scores, axis=1)[:, :3]
        table.add("held out", "learned and phrases", len(best), *_right(unread, best))
        graver = _graver_first(profile, unread, best)
        table.add("held out", "the same, emergencies graver", len(best), *_right(unread, graver))
    yield table
    answers = [judges[-1][1](a.text) for a in asked]
    by = Table(
        "类别:分渠道 classes by channel (examples, as shipped)",
        ("channel", "texts", "top 1", "top 3"),
    )
    for channel, count in Counter(a.channel for a in asked).most_common():
        those = [n for n, a in enumerate(asked) if a.channel == channel]
        by.add(channel, count, *_shares(asked, answers, those))
    yield by
    yield _confusions(profile, unread)


def emergencies(profile: Profile, unread: Unread) -> Table:
    """Precision is also given as it would be were emergencies as rare as ``USUAL``."""
    usual = f"precision, {USUAL:.0%} real"
    table = Table("紧急 emergencies", ("measured on", "by", "texts", "recall", "precision", usual))

    def add(on: str, by: str, said: list[bool], true: list[bool]) -> None:
        found = hits(said, true)
        false = sum(s and not t for s, t in zip(said, true, strict=True)) / true.count(False)
        right = USUAL * found.recall
        as_usual = right / (right + (1 - USUAL) * false) if right + false else 1.0
        table.add(on, by, len(true), found.recall, found.precision, as_usual)

    asked = examples()
    true = [a.emergency for a in asked]
    fair = honest(profile)
    for name, by, model in (
        ("examples, honest", fair, _model(fair)),
        ("examples", profile, unread.model),
    ):
        classifier, alarms = Classifier(by, model), Emergencies(by, model.danger_bar)
        judged = [classifier.classify(a.text) for a in asked]
        grave = [by.taxonomy[j.code].grade == 1 if j.code else False for j in judged]
        add(name, "baseline: best class is of grade 1", grave, true)
        add(name, "phrases alone", [alarms.is_emergency(a.text).emergency for a in asked], true)
        both = [
            alarms.is_emergency(a.text, "", j.danger).emergency
            for a, j in zip(asked, judged, strict=True)
        ]
        add(name, "phrases and learned", both, true)
    known = [n for n, d in enumerate(unread.texts) if d.danger]
    true = [unread.texts[n].danger > 0 for n in known]
    phrases = Emergencies(profile)
    heard = [phrases.listen(unread.texts[n].text) for n in known]
    add("held out", "phrases alone", [h.emergency for h, _, _ in heard], true)
    leaning = np.zeros(len(unread.texts))
    leaning[known] = [lean for _, lean, _ in heard]
    danger = unread.judged.danger(unread.model.shares, unread.model.alarm, leaning)
    for shift in (-2.0, -1.0, 0.0, 1.0, 2.0):
        bar = odds(unread.model.danger_bar) + shift
        said = [h.emergency or odds(float(danger[n])) >= bar for (h, _, _), n in
                zip(heard, known, strict=True)]  # fmt: skip
        name = f"phrases and learned, bar {shift:+.0f}" if shift else "phrases and learned, as set"
        add("held out", name, said, true)
    return table


def reliability(unread: Unread) -> Table:
    """How often the class is right when the confidence is so and so, on texts held out. The curve
    from chance to confidence is drawn on every second text and asked about the others."""
    table = Table("把握 reliability (held out)", ("confidence", "texts", "mean said", "right"))
    named = np.array([d.label >= 0 for d in unread.texts])
    chance = unread.judged.chance()[named]
    right = (unread.judged.best() == np.array([d.label for d in unread.texts]))[named]
    curve = curve_of(chance[::2], right[::2])
    said = np.array([confidence_at(curve, float(c)) for c in chance[1::2]])
    asked = right[1::2]
    off = 0.0
    for low in np.arange(0.0, 1.0, 0.1):
        those = (said >= low) & (said < low + 0.1 + (low > 0.85))
        if those.any():
            mean, share = float(said[those].mean()), float(asked[those].mean())
            off += abs(mean - share) * those.sum() / len(said)
            table.add(f"{low:.1f}–{low + 0.1:.1f}", int(those.sum()), mean, share)
    plain = abs(chance[1::2].mean() - asked.mean())
    table.note = f"expected calibration error {off:.3f}; mean chance off by {plain:.3f} uncorrected"
    return table


def _confusions(profile: Profile, unread: Unread) -> Table:
    table = Table(
        f"最常混淆的 {_WORST} 对 worst confusions (held out)", ("true", "taken for", "times")
    )
    names = [f"{code} {row.name}" for code, row in profile.taxonomy.items()]
    taken = unread.judged.best()
    pairs = Counter(
        (d.label, int(t))
        for d, t in zip(unread.texts, taken, strict=True)
        if d.label not in (t, -1)
    )
    for (true, said), times in pairs.most_common(_WORST):
        table.add(names[true], names[said], times)
    return table


def _right(unread: Unread, best: NDArray[np.int64]) -> tuple[float, float]:
    """Shares of the texts with a class whose first, whose first three are right."""
    labels = np.array([d.label for d in unread.texts])
    best, labels = best[labels >= 0], labels[labels >= 0]
    return float((best[:, 0] == labels).mean()), float((best == labels[:, None]).any(axis=1).mean())


def _graver_first(profile: Profile, unread: Unread, best: NDArray[np.int64]) -> NDArray[np.int64]:
    """The three best with what ``Classified.if_emergency`` makes of those heard as emergencies."""
    phrases, found = Emergencies(profile), best.copy()
    heard = [phrases.listen(text.text) for text in unread.texts]
    danger = unread.judged.danger(
        unread.model.shares, unread.model.alarm, np.array([lean for _, lean, _ in heard])
    )
    grave = np.array([row.grade == 1 for row in profile.taxonomy.values()])
    for n, (phrase, _, _) in enumerate(heard):
        if not phrase.emergency and odds(float(danger[n])) < odds(unread.model.danger_bar):
            continue
        scores = unread.judged.scores[n]
        near = [c for c in best[n] if grave[c] and scores[c] >= GRAVE * scores[best[n, 0]]]
        if near and not grave[best[n, 0]]:
            found[n] = [near[0], *(c for c in best[n] if c != near[0])]
    return found


def _shares(
    asked: list[Asked], answers: list[tuple[str, ...]], those: list[int]
) -> tuple[float, float]:
    first = sum(bool(asked[n].codes & set(answers[n][:1])) for n in those)
    any_of = sum(bool(asked[n].codes & set(answers[n])) for n in those)
    return first / max(len(those), 1), any_of / max(len(those), 1)


def _model(profile: Profile) -> Model:
    read = documents(profile)
    return settled(read, learn(read, len(profile.taxonomy), profile.station.learner), profile)


def _top3(classifier: Classifier) -> Callable[[str], tuple[str, ...]]:
    return lambda text: classifier.classify(text).top3


def _keywords(profile: Profile) -> Callable[[str], tuple[str, ...]]:
    listener, codes = Listener(profile), list(profile.taxonomy)

    def judge(text: str) -> tuple[str, ...]:
        votes = listener.votes(text)
        return tuple(codes[n] for n in sorted(votes, key=lambda n: -votes[n])[:3])

    return judge
