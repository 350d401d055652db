"""Learning the model of ``streams.core.ngrams`` from what a profile knows. Pure and reproducible.

Documents: names, keywords and weighted phrases of each class, dealt into bunches, and each text
of ``training/``. tf-idf, ridge regression in its dual form: one system of as many unknowns as
there are documents, solved once. Its inverse also says what each document would have scored had it
not been read (leave one out), so confidence and the bar of danger are set on unseen texts without a
second run. 4,000 documents take some seconds, 800 a tenth of one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.profile import Profile
from streams.core.emergency import Emergencies
from streams.core.listening import Listener
from streams.core.ngrams import LISTENED, LONGEST, Model, Scores, grams

Matrix = NDArray[np.float64]

FORMAT = 4  # of what is learned; a change makes older models unusable
RIDGE = 1.0
_BINS = 20  # of the curve of confidence
MIXES = (8.0, 12.0, 16.0, 20.0, 24.0)  # weights of the model beside phrases that are tried
LEANING = 1.25  # how many false emergencies a missed one weighs, as the beta of an F score
_SEEN = (0, 1, 2, 2, 3)  # documents a gram of so many characters must stand in
_BUNCHES = 3  # documents the phrases of a class are dealt into
_DANGERS = 150  # and those of danger: one phrase alone says too little
_TRUST = {"class": 0.3, "danger": 1.0, "text": 1.0}  # of a document about danger
_OFTEN = 40  # a gram in more than one of so many documents is multiplied densely


class Document(NamedTuple):
    text: str
    label: int  # -1: of no class
    danger: int  # 1 | -1 | 0 = not said
    kind: str  # class | danger | text


class Learned(NamedTuple):
    """Weights before their scale is known, and what each document scored unread."""

    grams: tuple[str, ...]
    idf: Scores
    weights: Matrix
    bias: Matrix
    unread: Matrix  # a row a document: classes, danger last


def input_digest(profile: Profile) -> str:
    """sha256 of everything a model of this profile depends on."""
    total = hashlib.sha256(f"{FORMAT} {RIDGE} {_SEEN} {_BUNCHES} {_DANGERS} {_TRUST}".encode())
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


def learn(read: Sequence[Document], classes: int) -> Learned:
    """Solve for the weights of all classes and of danger."""
    names, rows, idf = _weighed([set(grams(d.text[:LISTENED], LONGEST)) for d in read])
    kernel = _kernel(rows, len(names))
    target, trust = _danger_targets(read)
    wanted = np.zeros((len(read), classes))
    for n, document in enumerate(read):
        if document.label >= 0:
            wanted[n, document.label] = 1.0
    of_class, unread = _solve(kernel, RIDGE / _class_trust(read, classes), wanted)
    of_danger, unread_danger = _solve(kernel + 1.0, RIDGE / trust, target[:, None])
    dual = np.hstack([of_class, of_danger])
    weights = np.zeros((len(names), classes + 1), dtype=np.float64)
    for n, (heard, values) in enumerate(rows):
        weights[heard] += values[:, None] * dual[n]
    usual = _usual_scores(kernel, of_class, wanted)
    bias = np.append(-usual, of_danger.sum())
    return Learned(names, idf, weights, bias, np.hstack([unread - usual, unread_danger]))


def finish(
    learned: Learned, profile: Profile, mix: float, sharpness: float, danger_bar: float
) -> Model:
    """A model ready to be listened to: the idf of a text's grams is folded into the weights."""
    return Model(
        labels=tuple(profile.taxonomy),
        grams=learned.grams,
        idf=learned.idf,
        weights=np.ascontiguousarray(learned.weights * learned.idf[:, None], dtype=np.float32),
        bias=learned.bias.astype(np.float32),
        mix=mix,
        sharpness=sharpness,
        danger_bar=danger_bar,
        digest=input_digest(profile),
    )


def _weighed(
    heard: list[set[str]],
) -> tuple[tuple[str, ...], list[tuple[NDArray[np.intp], Matrix]], Scores]:
    """Grams worth keeping, each document's grams with tf-idf of length 1, and the idf."""
    spread = Counter(gram for said in heard for gram in said)
    names = tuple(sorted(gram for gram, times in spread.items() if times >= _SEEN[len(gram)]))
    index = {gram: n for n, gram in enumerate(names)}
    total = len(heard)
    idf = np.array([log((1 + total) / (1 + spread[g])) + 1 for g in names], dtype=np.float32)
    rows = []
    for said in heard:
        kept = np.array(sorted(index[gram] for gram in said if gram in index), dtype=np.intp)
        values = idf[kept].astype(np.float64)
        length = float(np.sqrt(values @ values)) or 1.0
        rows.append((kept, values / length))
    return names, rows, idf


def _kernel(rows: list[tuple[NDArray[np.intp], Matrix]], size: int) -> Matrix:
    """Likeness of every two documents. Frequent grams as a dense product, rare ones one by one."""
    total = len(rows)
    times = np.zeros(size, dtype=np.intp)
    for heard, _ in rows:
        times[heard] += 1
    often = np.flatnonzero(times * _OFTEN > total)
    column = np.full(size, -1, dtype=np.intp)
    column[often] = np.arange(len(often))
    dense = np.zeros((total, len(often)), dtype=np.float32)
    rare: dict[int, list[tuple[int, float]]] = {}
    for n, (heard, values) in enumerate(rows):
        at = column[heard]
        dense[n, at[at >= 0]] = values[at >= 0]
        for gram, value in zip(heard[at < 0].tolist(), values[at < 0].tolist(), strict=True):
            rare.setdefault(gram, []).append((n, value))
    kernel = dense @ dense.T
    for postings in rare.values():
        where = np.array([n for n, _ in postings])
        value = np.array([v for _, v in postings], dtype=np.float32)
        kernel[where[:, None], where] += value[:, None] * value
    return kernel.astype(np.float64)


def _solve(kernel: Matrix, ridge: Matrix, target: Matrix) -> tuple[Matrix, Matrix]:
    """Dual weights, and the scores of each document had it been left out:
    ``y - a / inverse[i, i]`` (Rasmussen and Williams, Gaussian Processes, 5.4.2)."""
    inverse = np.linalg.inv(kernel + np.diag(ridge))
    dual = inverse @ target
    return dual, target - dual / np.diag(inverse)[:, None]


def _class_trust(read: Sequence[Document], classes: int) -> Matrix:
    """Documents of a class that has many count less, so that none is likely for its number."""
    labels = np.array([d.label for d in read])
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    usual = float(np.median(counts[counts > 0])) if counts.any() else 1.0
    trust = np.ones(len(read))
    named = labels >= 0
    trust[named] = np.clip(usual / counts[labels[named]], 0.05, 1.0)
    return trust


def _usual_scores(kernel: Matrix, dual: Matrix, wanted: Matrix) -> Matrix:
    """What each class scores on the documents of others, on average: nobody's merit."""
    others = 1.0 - wanted
    found: Matrix = ((kernel @ dual) * others).sum(axis=0) / np.maximum(others.sum(axis=0), 1.0)
    return found


def _danger_targets(read: Sequence[Document]) -> tuple[Matrix, Matrix]:
    """±1 and the trust of each document, both sides counting the same."""
    target = np.array([float(d.danger) for d in read])
    trust = np.array([_TRUST[d.kind] if d.danger else 1e-6 for d in read])
    danger, calm = trust[target > 0].sum(), trust[target < 0].sum()
    if danger and calm:
        trust[target > 0] *= calm / danger
    return target, trust


def train(profile: Profile) -> Model:
    """The model of everything a profile knows. Some seconds for some thousand texts."""
    read = documents(profile)
    return settled(read, learn(read, len(profile.taxonomy)), profile)


def settled(read: Sequence[Document], learned: Learned, profile: Profile) -> Model:
    """A model with its confidence and its bar of danger set on the texts as if unread."""
    listener, emergencies = Listener(profile), Emergencies(profile)
    weight = profile.station.model_weight
    mixes = MIXES if weight is None else (weight,)
    mix, sharpness = set_confidence(read, learned.unread, listener.votes, mixes)
    bar = set_danger_bar(
        read, learned.unread, lambda text: emergencies.is_emergency(text).emergency
    )
    at = [n for n, d in enumerate(read) if d.kind == "text" and d.label >= 0]
    chance, right = chances(read, learned.unread, listener.votes, mix, sharpness, at)
    return replace(finish(learned, profile, mix, sharpness, bar), curve=curve_of(chance, right))


def chances(
    read: Sequence[Document], unread: Matrix, votes: Votes, mix: float, sharpness: float,
    at: Sequence[int],
) -> tuple[Matrix, NDArray[np.bool_]]:  # fmt: skip
    """Of the unread texts ``at``: the chance of the best class, and whether it is the right one."""
    scores = unread[at, :-1] * mix
    for row, n in enumerate(at):
        for label, weight in votes(read[n].text).items():
            scores[row, label] += weight
    top = scores.max(axis=1, initial=0.0)
    chance = 1.0 / np.exp((scores - top[:, None]) * sharpness).sum(axis=1)
    right = scores.argmax(axis=1) == np.array([read[n].label for n in at], dtype=np.intp)
    return chance, right


def curve_of(chance: Matrix, right: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Chance → share that was right, over bins of equally many texts, made rising by pooling
    neighbours that fall (Ayer et al. 1955). () for fewer than 200 texts."""
    if len(chance) < 200:
        return ()
    order = np.argsort(chance, kind="stable")
    pools: list[list[float]] = []  # texts, sum of chances, number right
    for part in np.array_split(order, _BINS):
        pools.append([float(len(part)), float(chance[part].sum()), float(right[part].sum())])
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    return tuple((said / n, hits / n) for n, said, hits in pools)


def untaught(profile: Profile) -> Model:
    """A model of the tables alone, for tests and for profiles without texts."""
    return train(replace(profile, training=()))


Votes = Callable[[str], dict[int, float]]


def set_confidence(
    read: Sequence[Document], unread: Matrix, votes: Votes, mixes: Sequence[float]
) -> tuple[float, float]:
    """``mix`` and ``sharpness`` that make unread texts most likely; defaults without texts."""
    texts = [n for n, d in enumerate(read) if d.kind == "text" and d.label >= 0]
    if len(texts) < 100:
        return (16.0 if 16.0 in mixes else mixes[0]), 0.8
    classes = unread.shape[1] - 1
    said = np.zeros((len(texts), classes))
    for row, n in enumerate(texts):
        for label, weight in votes(read[n].text).items():
            said[row, label] = weight
    learned = unread[texts, :classes]
    trust = _class_trust([read[n] for n in texts], classes)
    right = (np.arange(len(texts)), np.array([read[n].label for n in texts]))
    best = (np.inf, 16.0, 0.8)
    for mix in mixes:
        scores = said + mix * learned
        for sharpness in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4):
            sharp = scores * sharpness
            top = sharp.max(axis=1)
            spread = top + np.log(np.exp(sharp - top[:, None]).sum(axis=1))
            best = min(best, (float(trust @ (spread - sharp[right])), mix, sharpness))
    return best[1], best[2]


def set_danger_bar(read: Sequence[Document], unread: Matrix, heard: Callable[[str], bool]) -> float:
    """The bar at which phrases and sound together do best on unread texts, a missed emergency
    counting more than a false one (F with beta ``LEANING``); 0.05 without texts."""
    texts = [(n, d) for n, d in enumerate(read) if d.kind == "text" and d.danger]
    real = np.array([d.danger > 0 for _, d in texts], dtype=bool)
    if real.sum() < 50:
        return 0.05
    danger = unread[[n for n, _ in texts], -1]
    said = np.array([heard(d.text) for _, d in texts], dtype=bool)
    best = (-1.0, 0.05)
    for bar in np.arange(-0.5, 0.51, 0.01).round(2).tolist():
        taken = said | (danger >= bar)
        both, weight = float((taken & real).sum()), LEANING**2
        score = (1 + weight) * both / (weight * float(real.sum()) + float(taken.sum()))
        best = max(best, (score, bar))
    return best[1]
