"""Which class a text is: phrases with their surroundings, the model beside them, honest doubt."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from schemas.profile import Phrase, Profile
from streams.core.classify import Classifier
from streams.core.ngrams import Model, Ngrams, grams, stepped
from streams.core.training import Document, learn
from streams.learned import learned

EXAMPLES = Path(__file__).parent / "examples.tsv"


@pytest.fixture(scope="module")
def classifier(shipped: Profile) -> Classifier:
    return Classifier(shipped)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("楼下路灯不亮", "060301"),
        ("我们村口那盏路灯晚上又不亮了", "060301"),
        ("卖水果的三轮车天天占着路口", "050201"),
        ("物业收了钱什么都不管", "090102"),
        ("拖欠我们三个月工资", "100201"),
        ("电梯坏了一星期没人修", "030202"),
        ("广场舞音响太大孩子没法睡", "080203"),
        ("公司不给交社保", "100203"),
        ("井盖被偷了,黑洞洞的", "060201"),
        ("快递放驿站就说签收了", "120206"),
    ],
)
def test_plain_words(classifier: Classifier, text: str, code: str) -> None:
    found = classifier.classify(text)
    assert found.code == code
    assert found.top3[0] == code
    assert len(set(found.top3)) == 3
    assert 0 < found.confidence <= 1
    assert found.reasons


def test_nothing_said_is_nothing(classifier: Classifier) -> None:
    for text in ("", "   ", "……", "!!!"):
        assert classifier.classify(text).code == ""
        assert classifier.classify(text).confidence == 0.0


def test_noise_is_doubted(classifier: Classifier, shipped: Profile) -> None:
    for text in ("侬好呀", "阿巴阿巴", "12345", "hello"):
        assert classifier.classify(text).confidence < shipped.station.triage_confidence


def test_a_place_name_says_nothing_of_the_matter(small: Profile) -> None:
    names = Classifier(small)
    for text in ("火车站门口路灯不亮", "水库路100号路灯不亮", "打水镇路灯不亮"):
        found = names.classify(text)
        assert found.code == "060301"
        assert "火" not in found.reasons[0]


def test_a_negation_right_before_a_phrase(shipped: Profile) -> None:
    rows = (
        Phrase(kind="weight", phrase="停水", class_code="060401", weight=1),
        Phrase(kind="negation", phrase="没有"),
        Phrase(kind="weight", phrase="路灯坏", class_code="060301", weight=1),
    )
    found = Classifier(dataclasses.replace(shipped, phrases=rows)).classify("没有停水,是路灯坏")
    assert found.code == "060301"


def test_a_title_weighs_more(classifier: Classifier) -> None:
    assert classifier.classify("垃圾桶满了", title="路灯不亮").code == "060301"
    assert classifier.classify("路灯不亮", title="垃圾桶满了").code == "050102"


def test_reasons_name_the_words(classifier: Classifier) -> None:
    assert "路灯不亮" in classifier.classify("楼下路灯不亮").reasons[0]


def test_weights_of_the_profile_count(shipped: Profile) -> None:
    rows = (Phrase(kind="weight", phrase="哇啦哇啦", class_code="080204", weight=3),)
    found = Classifier(dataclasses.replace(shipped, phrases=rows)).classify("门口整天哇啦哇啦")
    assert found.code == "080204"


def test_the_same_profile_gives_the_same_model(shipped: Profile) -> None:
    first, second = Classifier(shipped), Classifier(shipped)
    for text in ("楼下漏水", "门口那家店太吵", "孩子上学报名"):
        assert first.classify(text) == second.classify(text)


def test_grams_do_not_cross_punctuation() -> None:
    assert list(grams("路灯,坏")) == ["路", "灯", "路灯", "坏"]
    assert list(grams("甲乙丙", 2)) == ["甲", "乙", "丙", "甲乙", "乙丙"]


def test_the_model_prefers_what_it_has_read() -> None:
    told = [("路灯不亮", 0, -1), ("着火了", 1, 1), ("垃圾没人收", 2, -1), ("冒烟", -1, 1)]
    read = [Document(text, label, danger, "text") for text, label, danger in told]
    result = learn(read, 3)
    assert result.weights.shape == (len(result.grams), 4)
    model = Model(
        ("a", "b", "c"), result.grams, result.idf,
        *stepped(result.weights * result.idf[:, None]),
        result.bias.astype(np.float32), 16.0, 0.8, np.zeros(3, np.float32), (0.0, 2.0, 0.0), 0.0,
    )  # fmt: skip
    scores = Ngrams(model).scores
    assert int(np.argmax(scores("灯不亮啦")[:-1])) == 0
    assert int(np.argmax(scores("火")[:-1])) == 1
    assert scores("着火冒烟")[-1] > 0 > scores("垃圾没人收")[-1]
    assert not scores("xyz")[:-1].any()


def test_a_long_text_adds_up_as_a_short_one_does() -> None:
    """Steps of few grams are added in 16 bits, of many in 32."""
    signs = [chr(0x4E00 + n) for n in range(400)]
    steps = np.full((400, 2), 127, np.int8)
    one = np.ones(400, np.float32)
    model = Model(
        ("a",), tuple(signs), one, steps, np.array([1 / 127, 1 / 127], np.float32),
        np.zeros(2, np.float32), 1.0, 1.0, np.zeros(1, np.float32), (0.0, 2.0, 0.0, 0.0), 0.0,
    )  # fmt: skip
    scores = Ngrams(model).scores
    for count in (1, 258, 259, 400):  # each adds 1, over the root of their number
        assert scores("".join(signs[:count])) == pytest.approx([count**0.5] * 2)


def test_on_the_examples_the_phrases_were_tuned_on(classifier: Classifier) -> None:
    """A floor against regressions, not a measurement: some of these texts were read before."""
    with EXAMPLES.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))

    def share(wording: str, best: int) -> float:
        those = [row for row in rows if row["wording"] == wording]
        right = [
            {row["code"], row["alt_code"]} & set(classifier.classify(row["text"]).top3[:best])
            for row in those
        ]
        return sum(map(bool, right)) / len(those)

    assert share("natural", 1) >= 0.90
    assert share("natural", 3) >= 0.95
    assert share("indirect", 1) >= 0.40
    assert share("indirect", 3) >= 0.55


def test_an_emergency_takes_the_class_of_grade_1_that_is_nearly_as_likely(shipped: Profile) -> None:
    """A nursery on fire is a fire; what is no emergency stays what it is."""
    found = Classifier(shipped, learned(shipped)).classify("望海幼儿园着火")
    assert shipped.taxonomy[found.code].grade > 1
    urgent = found.if_emergency()
    assert urgent.code == found.grave == "020101"
    assert sorted(urgent.top3) == sorted(found.top3)
    assert urgent.confidence <= found.confidence
    assert "建筑火灾" in urgent.reasons[0]
    assert urgent.if_emergency() is urgent
