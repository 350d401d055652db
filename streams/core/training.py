"""Learning the model of ``streams.core.ngrams`` from what a profile knows. Pure and reproducible.

Documents: names, keywords and weighted phrases of each class, dealt into bunches, and each text
of ``training/``. tf-idf, ridge regression in its dual form, solved by a few conjugate gradients
(``streams.core.sparse``). What a document would have scored unread is measured: a share of the
texts is held out, blocks of neighbours together because one person wrote them, and scored by a
model of all others. Confidence and the decision about emergencies are set on these
(``streams.core.calibration``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.profile import Profile
from streams.core.bayes import SMOOTHING, complement
from streams.core.calibration import (
    LEANING,
    USUAL,
    Judged,
    curve_of,
    set_alarm,
    set_bar,
    set_confidence,
)
from streams.core.emergency import Emergencies
from streams.core.listening import Listener
from streams.core.ngrams import LISTENED, LONGEST, Model, Scores, grams, stepped
from streams.core.sparse import Row, Sparse, solve

Matrix = NDArray[np.float64]

FORMAT = 6  # of what is learned; a change makes older models unusable
RIDGE = 2.0
DANGER_RIDGE = 1.0
STEPS = 8  # of conjugate gradients
MIXES = (16.0, 24.0, 32.0, 48.0, 64.0)  # weights of the model beside phrases that are tried
FOLDS = 5  # parts of the texts; each held out once is what an evaluation asks for
_BLOCK = 4  # neighbouring texts that are held out together
_FEW = 3000  # up to so many documents all parts are held out in turn
_SEEN = {  # documents a gram of so many characters must stand in, by learner
    "ridge": (0, 1, 2, 2, 3),
    "counts": (0, 1, 1, 1, 2),  # counting is not led astray by what was said once
}
_BUNCHES = 3  # documents the phrases of a class are dealt into
_DANGERS = 150  # and those of danger: one phrase alone says too little
_DRAWN = 20  # texts of its grade that a class's share of emergencies is drawn to
_TRUST = {"class": 0.3, "danger": 1.0, "text": 1.0}  # of a document about danger


class Document(NamedTuple):
    text: str
    label: int  # -1: of no class
    danger: int  # 1 | -1 | 0 = not said
    kind: str  # class | danger | text


class Learned(NamedTuple):
    """Weights before their scale is known, and what documents held out scored unread."""

    grams: tuple[str, ...]
    idf: Scores
    weights: Scores
    bias: Scores
    held: tuple[int, ...]  # which documents were held out
    unread: Scores  # a row each of these: classes, danger last


def input_digest(profile: Profile) -> str:
    """sha256 of everything a model of this profile depends on."""
    total = hashlib.sha256(
        f"{FORMAT} {RIDGE} {DANGER_RIDGE} {STEPS} {_SEEN} {_BUNCHES} {_DANGERS} {_TRUST}".encode()
    )
    total.update(f"{_DRAWN} {LEANING} {USUAL}".encode())
    total.update(f"{profile.station.learner} {SMOOTHING} {profile.station.model_weight}".encode())
    for row in profile.taxonomy.values():
        total.update(f"{row.code}\t{row.name}\t{row.grade}\t{row.keywords}\n".encode())
    for phrase in profile.phrases:
        total.update(
            f"{phrase.kind}\t{phrase.phrase}\t{phrase.class_code}\t{phrase.weight}\n".encode()
        )
    for told in profile.training:
        total.update(f"{told.text}\t{told.code}\t{told.emergency}\n".encode())
    return total.hexdigest()


def documents(profile: Profile) -> list[Document]:
    """What the model learns from, classes in the order of the taxonomy."""
    order = {code: n for n, code in enumerate(profile.taxonomy)}
    words = {code: [row.name, *row.keywords] for code, row in profile.taxonomy.items()}
    dangers: list[str] = []
    for phrase in profile.phrases:
        if phrase.kind == "weight" and phrase.class_code in words and phrase.weight > 0:
            words[phrase.class_code].append(phrase.phrase)
        elif phrase.kind == "emergency" and phrase.weight >= 1:
            dangers.append(phrase.phrase)
    found: list[Document] = []
    for code, said in words.items():
        danger = 1 if profile.taxonomy[code].grade == 1 else -1
        for n in range(min(_BUNCHES, len(said))):
            found.append(Document(",".join(said[n::_BUNCHES]), order[code], danger, "class"))
    for n in range(min(_DANGERS, len(dangers))):
        found.append(Document(",".join(dangers[n::_DANGERS]), -1, 1, "danger"))
    for told in profile.training:
        danger = 0 if told.emergency is None else 1 if told.emergency else -1
        found.append(Document(told.text, order.get(told.code, -1), danger, "text"))
    return found


def learn(
    read: Sequence[Document], classes: int, learner: str = "ridge", parts: int = 1
) -> Learned:
    """Weights of all classes, by a ``learner`` of ``Station``, and of danger, always by ridge.
    ``parts`` of ``FOLDS`` are held out in turn, each scored by a model of all the others."""
    heard = [set(grams(d.text[:LISTENED], LONGEST)) for d in read]
    names, rows, idf = _weighed(heard, _SEEN[learner])
    texts = [n for n, d in enumerate(read) if d.kind == "text"]
    part_of = {n: at // _BLOCK % FOLDS for at, n in enumerate(texts)}
    held: list[int] = []
    unread: list[Scores] = [np.zeros((0, classes + 1), dtype=np.float32)]
    for part in range(FOLDS if len(read) <= _FEW else parts):
        out = [n for n in texts if part_of[n] == part]
        others = [n for n in range(len(read)) if part_of.get(n) != part]
        if out and others:
            matrix = Sparse([rows[n] for n in others], len(names))
            weights, bias = _fit([read[n] for n in others], matrix, classes, learner)
            held += out
            unread.append(Sparse([rows[n] for n in out], len(names)).times(weights) + bias)
    weights, bias = _fit(read, Sparse(rows, len(names)), classes, learner)
    return Learned(names, idf, weights, bias, tuple(held), np.vstack(unread))


def _fit(
    read: Sequence[Document], matrix: Sparse, classes: int, learner: str
) -> tuple[Scores, Scores]:
    """Weights, a row a gram and a column a class and one of danger; and what is added to each."""
    if learner == "counts":
        counted = complement(matrix.rows, [d.label for d in read], classes, matrix.width)
        by_class = counted.astype(np.float32)
        usual = np.zeros(classes, dtype=np.float32)
    else:
        by_class, usual = _by_ridge(read, matrix, classes)
    target, trust = _danger_targets(read)
    base = (target * trust).sum() / max(float(trust.sum()), 1e-6)
    dual = solve(matrix, DANGER_RIDGE / trust, (target - base)[:, None], 3 * STEPS)
    return np.hstack([by_class, matrix.back(dual)]), np.append(-usual, base).astype(np.float32)


def _by_ridge(read: Sequence[Document], matrix: Sparse, classes: int) -> tuple[Scores, Scores]:
    """Weights of classes, and what each scores on the texts of others: that is nobody's merit."""
    wanted = np.zeros((len(read), classes), dtype=np.float32)
    for n, document in enumerate(read):
        if document.label >= 0:
            wanted[n, document.label] = 1.0
    weights = matrix.back(solve(matrix, RIDGE / _class_trust(read, classes), wanted, STEPS))
    others = 1.0 - wanted
    usual = (matrix.times(weights) * others).sum(axis=0) / np.maximum(others.sum(axis=0), 1.0)
    return weights, usual


def _weighed(
    heard: list[set[str]], least: tuple[int, ...]
) -> tuple[tuple[str, ...], list[Row], Scores]:
    """Grams worth keeping, each document's grams with tf-idf of length 1, and the idf."""
    spread = Counter(gram for said in heard for gram in said)
    names = tuple(sorted(gram for gram, times in spread.items() if times >= least[len(gram)]))
    index = {gram: n for n, gram in enumerate(names)}
    total = len(heard)
    idf = np.array([log((1 + total) / (1 + spread[g])) + 1 for g in names], dtype=np.float32)
    rows = []
    for said in heard:
        kept = np.array(sorted(index[gram] for gram in said if gram in index), dtype=np.intp)
        values = idf[kept]
        length = np.float32(np.sqrt(float(values @ values)) or 1.0)
        rows.append((kept, values / length))
    return names, rows, idf


def _class_trust(read: Sequence[Document], classes: int) -> Scores:
    """Documents of a class that has many count less, so that none is likely for its number."""
    labels = np.array([d.label for d in read], dtype=np.intp)
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    usual = float(np.median(counts[counts > 0])) if counts.any() else 1.0
    trust = np.ones(len(read), dtype=np.float32)
    named = labels >= 0
    trust[named] = np.clip(usual / counts[labels[named]], 0.05, 1.0)
    return trust


def _danger_targets(read: Sequence[Document]) -> tuple[Scores, Scores]:
    """±1 and the trust of each document, both sides counting the same."""
    target = np.array([d.danger for d in read], dtype=np.float32)
    trust = np.array([_TRUST[d.kind] if d.danger else 1e-6 for d in read], dtype=np.float32)
    danger, calm = trust[target > 0].sum(), trust[target < 0].sum()
    if danger and calm:
        trust[target > 0] *= calm / danger
    return target, trust


def train(profile: Profile) -> Model:
    """The model of everything a profile knows. Some seconds for some thousand texts."""
    read = documents(profile)
    learned = learn(read, len(profile.taxonomy), profile.station.learner)
    return settled(read, learned, profile)


def settled(read: Sequence[Document], learned: Learned, profile: Profile) -> Model:
    """A model with its confidence and its decision about emergencies set on texts as if unread.
    The idf of a text's grams is folded into the weights."""
    emergencies = Emergencies(profile)
    weight = profile.station.model_weight
    texts = [read[n] for n in learned.held]
    votes = votes_of(profile, texts)
    labels = np.array([d.label for d in texts], dtype=np.intp)
    named = labels >= 0
    trust = np.where(named, _class_trust(texts, len(profile.taxonomy)), 0.0)
    mixes = MIXES if weight is None else (weight,)
    mix, sharpness = set_confidence(learned.unread[:, :-1], votes, labels, trust, mixes)
    scores = learned.unread[:, :-1] * mix + votes
    judged = Judged(scores, learned.unread[:, -1], lengths_of(texts), sharpness)
    shares = _shares(read, profile)
    danger = np.array([d.danger for d in texts], dtype=np.intp)
    alarm = set_alarm(judged, shares, danger)
    said = [emergencies.listen(d.text) for d in texts]
    heard = np.array([found.emergency for found, _, _ in said], dtype=np.bool_)
    leaning = np.array([lean for _, lean, _ in said])
    bar = set_bar(judged.danger(shares, alarm, leaning), heard, danger)
    curve = curve_of(judged.chance()[named], (judged.best() == labels)[named])
    steps, scale = stepped(learned.weights * learned.idf[:, None])
    return Model(
        labels=tuple(profile.taxonomy),
        grams=learned.grams,
        idf=learned.idf,
        steps=np.ascontiguousarray(steps),
        scale=scale,
        bias=learned.bias,
        mix=mix,
        sharpness=sharpness,
        shares=shares,
        alarm=alarm,
        danger_bar=bar,
        curve=curve,
        digest=input_digest(profile),
    )


def votes_of(profile: Profile, texts: Sequence[Document]) -> Scores:
    """What phrases say of each text: a row a text, a column a class."""
    listener = Listener(profile)
    votes = np.zeros((len(texts), len(profile.taxonomy)), dtype=np.float32)
    for row, document in enumerate(texts):
        for label, said in listener.votes(document.text).items():
            votes[row, label] = said
    return votes


def lengths_of(texts: Sequence[Document]) -> NDArray[np.intp]:
    return np.array([len(d.text) for d in texts], dtype=np.intp)


def _shares(read: Sequence[Document], profile: Profile) -> Scores:
    """How many of a class's texts are emergencies, drawn to what is usual of its grade: of some
    classes the texts learned are chosen for what is rare in them."""
    grades = np.array([row.grade for row in profile.taxonomy.values()], dtype=np.intp)
    urgent = np.zeros(len(grades), dtype=np.float32)
    total = np.zeros(len(grades), dtype=np.float32)
    for document in read:
        if document.kind == "text" and document.danger and document.label >= 0:
            urgent[document.label] += document.danger > 0
            total[document.label] += 1
    found = np.zeros(len(grades), dtype=np.float32)
    for grade in set(grades.tolist()):
        of = grades == grade
        usual = urgent[of].sum() / max(float(total[of].sum()), 1.0)
        found[of] = (urgent[of] + _DRAWN * usual) / (total[of] + _DRAWN)
    return found


def untaught(profile: Profile) -> Model:
    """A model of the tables alone, for tests and for profiles without texts."""
    return train(replace(profile, training=()))
