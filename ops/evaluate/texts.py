"""Classes, emergencies and confidence on texts the model had not read.

Two honest measures, because there are two kinds of texts:
left out   each text of ``training/`` as scored by a model that learned all the others
examples   the example texts of the taxonomy; the model learned none of them. Phrases of the
           profile were written by somebody who had read a part of these: one row leaves them out.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ops.evaluate.figures import Matrix, Table, hits
from schemas.profile import Profile
from streams.core.classify import Classifier
from streams.core.emergency import Emergencies
from streams.core.listening import Listener
from streams.core.ngrams import Model, confidence_at
from streams.core.training import Document, curve_of, documents, learn, settled

EXAMPLES = Path(__file__).parents[1] / "simulator" / "texts.tsv"
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
    scores: Matrix  # phrases and model together, a row a text
    danger: Matrix
    model: Model


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
    """The profile with no example among its texts: its model may be asked about them."""
    known = {a.text for a in examples()}
    return replace(profile, training=tuple(t for t in profile.training if t.text not in known))


def leave_out(profile: Profile) -> Unread:
    """Learn once; the closed form says what each text would have scored had it been left out."""
    read = documents(profile)
    learned = learn(read, len(profile.taxonomy))
    model = settled(read, learned, profile)
    listener = Listener(profile)
    at = [n for n, d in enumerate(read) if d.kind == "text" and d.label >= 0]
    scores = learned.unread[at, :-1] * model.mix
    for row, n in enumerate(at):
        for label, weight in listener.votes(read[n].text).items():
            scores[row, label] += weight
    return Unread([read[n] for n in at], scores, learned.unread[at, -1], model)


def classes(profile: Profile, unread: Unread) -> Iterator[Table]:
    asked = examples()
    table = Table("类别 classes", ("measured on", "by", "texts", "top 1", "top 3"))
    plain = replace(profile, phrases=tuple(p for p in profile.phrases if p.kind != "weight"))
    judges: list[tuple[str, Callable[[str], tuple[str, ...]]]] = [
        ("baseline: keywords of the taxonomy", _keywords(plain)),
        ("tables, no learned texts", _top3(Classifier(profile))),
        ("learned, without the profile's phrases", _top3(Classifier(plain, _model(plain)))),
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
        table.add("left out", "learned and phrases", len(unread.texts), *_left(unread))
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
    table = Table("紧急 emergencies", ("measured on", "by", "texts", "recall", "precision"))
    asked = examples()
    phrases, both = Emergencies(profile), Emergencies(profile, unread.model.danger_bar)
    classifier = Classifier(profile, unread.model)
    judged = [classifier.classify(a.text) for a in asked]
    true = [a.emergency for a in asked]
    critical = [profile.taxonomy[j.code].grade == 1 if j.code else False for j in judged]
    table.add("examples", "baseline: best class is of grade 1", len(asked), *hits(critical, true))
    said = [phrases.is_emergency(a.text).emergency for a in asked]
    table.add("examples", "phrases (tuned on these)", len(asked), *hits(said, true))
    said = [
        both.is_emergency(a.text, "", j.danger).emergency
        for a, j in zip(asked, judged, strict=True)
    ]
    table.add("examples", "phrases and sound", len(asked), *hits(said, true))
    texts = [(d, float(x)) for d, x in zip(unread.texts, unread.danger, strict=True) if d.danger]
    true = [d.danger > 0 for d, _ in texts]
    said = [phrases.is_emergency(d.text).emergency for d, _ in texts]
    table.add("left out", "phrases (written without these)", len(texts), *hits(said, true))
    said = [both.is_emergency(d.text, "", x).emergency for d, x in texts]
    table.add("left out", "phrases and sound", len(texts), *hits(said, true))
    return table


def reliability(unread: Unread) -> Table:
    """How often the class is right when the confidence is so and so, on texts left out. The curve
    from chance to confidence is drawn on every second text and asked about the others."""
    table = Table("把握 reliability (left out)", ("confidence", "texts", "mean said", "right"))
    sharp = unread.scores * unread.model.sharpness
    chance = 1.0 / np.exp(sharp - sharp.max(axis=1, keepdims=True)).sum(axis=1)
    right = sharp.argmax(axis=1) == np.array([d.label for d in unread.texts])
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
        f"最常混淆的 {_WORST} 对 worst confusions (left out)", ("true", "taken for", "times")
    )
    names = [f"{code} {row.name}" for code, row in profile.taxonomy.items()]
    taken = unread.scores.argmax(axis=1)
    pairs = Counter(
        (d.label, int(t)) for d, t in zip(unread.texts, taken, strict=True) if d.label != t
    )
    for (true, said), times in pairs.most_common(_WORST):
        table.add(names[true], names[said], times)
    return table


def _left(unread: Unread) -> tuple[float, float]:
    best = np.argsort(-unread.scores, axis=1)[:, :3]
    labels = np.array([d.label for d in unread.texts])
    return float((best[:, 0] == labels).mean()), float((best == labels[:, None]).any(axis=1).mean())


def _shares(
    asked: list[Asked], answers: list[tuple[str, ...]], those: list[int]
) -> tuple[float, float]:
    first = sum(bool(asked[n].codes & set(answers[n][:1])) for n in those)
    any_of = sum(bool(asked[n].codes & set(answers[n])) for n in those)
    return first / max(len(those), 1), any_of / max(len(those), 1)


def _model(profile: Profile) -> Model:
    read = documents(profile)
    return settled(read, learn(read, len(profile.taxonomy)), profile)


def _top3(classifier: Classifier) -> Callable[[str], tuple[str, ...]]:
    return lambda text: classifier.classify(text).top3


def _keywords(profile: Profile) -> Callable[[str], tuple[str, ...]]:
    listener, codes = Listener(profile), list(profile.taxonomy)

    def judge(text: str) -> tuple[str, ...]:
        votes = listener.votes(text)
        return tuple(codes[n] for n in sorted(votes, key=lambda n: -votes[n])[:3])

    return judge
