"""The learner for letters: counts of the others' words, heading and body heard apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from schemas.profile import Profile, Told
from streams.core.bayes import complement
from streams.core.classify import Classifier
from streams.core.heading import heading_of
from streams.core.training import Document, learn, train

SAID = np.array([0.6, 0.8], dtype=np.float32)
ROWS = [(np.array(grams), SAID) for grams in ([0, 1], [0, 2], [3, 4], [0, 3])]
LABELS = [0, 0, 1, 2]


def test_a_gram_weighs_for_the_class_whose_others_lack_it() -> None:
    weights = complement(ROWS, LABELS, 3, 5)
    assert weights.shape == (5, 3)
    assert weights.sum(axis=1) == pytest.approx(np.zeros(5))
    assert weights[1].argmax() == weights[2].argmax() == 0
    assert weights[4].argmax() == 1


def test_wording_of_no_class_weighs_less() -> None:
    before = complement(ROWS, LABELS, 3, 5)
    after = complement([*ROWS, (np.array([1]), SAID[:1])], [*LABELS, -1], 3, 5)
    assert np.ptp(after[1]) < np.ptp(before[1])


def test_danger_is_learned_from_those_that_say_it() -> None:
    told = [("着火了快来", 0, 1), ("路灯不亮", 1, -1), ("路灯坏了", 1, 0), ("着火冒烟", 0, 1)]
    read = [Document(text, label, danger, "text") for text, label, danger in told]
    found = learn(read, 2, "counts")
    fire = found.grams.index("火")
    assert found.weights[fire, -1] > 0 > found.weights[found.grams.index("亮"), -1]


def test_the_heading_of_a_letter_is_heard_beside_its_body(shipped: Profile) -> None:
    told = (
        Told(text="那盏会亮的东西罢工", code="060301"),
        Told(text="圆盖子翘起来", code="060202"),
    )
    station = {"learner": "counts", "model_weight": 10.0}
    plain, letters = (
        dataclasses.replace(
            shipped, phrases=(), training=told,
            station=shipped.station.model_copy(update=station | {"heading_weight": weight}),
        )
        for weight in (0, 2)
    )  # fmt: skip
    model = train(letters)
    body = "圆盖子" * 3 + "翘起来" * 3
    assert Classifier(plain, model).classify(f"会亮的东西罢工。{body}").code == "060202"
    assert Classifier(letters, model).classify(body, "会亮的东西罢工").code == "060301"
    assert Classifier(letters, model).classify(f"会亮的东西罢工。{body}").code == "060301"
    assert Classifier(letters, model).classify("").code == ""


@pytest.mark.parametrize(
    ("text", "heading", "body"),
    [
        ("学校乱收费。每学期都要交", "学校乱收费", "每学期都要交"),
        ("学校乱收费吗?每学期都要交", "学校乱收费吗", "每学期都要交"),
        ("学校乱收费\n每学期都要交", "学校乱收费", "每学期都要交"),
        ("学校乱收费 每学期都要交", "学校乱收费", "每学期都要交"),
        ("学校乱收费,每学期都要交", "", "学校乱收费,每学期都要交"),
        ("学校乱收费。", "", "学校乱收费。"),
        ("尊敬的市长:您好!学校乱收费", "", "尊敬的市长:您好!学校乱收费"),
        ("收费" * 40 + "。每学期", "", "收费" * 40 + "。每学期"),
        ("", "", ""),
    ],
)
def test_where_a_heading_ends(text: str, heading: str, body: str) -> None:
    assert heading_of(text) == (heading, body)
