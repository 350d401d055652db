"""The learned model: from a profile's own texts, kept in a cache, the same to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from schemas.profile import Profile, Told
from streams.core.classify import Classifier
from streams.core.ngrams import confidence_at
from streams.core.training import (
    Document,
    curve_of,
    documents,
    input_digest,
    learn,
    set_confidence,
    set_danger_bar,
    train,
)
from streams.learned import keep, learned, load, model_file

TOLD = (
    Told(text="头顶那盏会亮的东西夜里罢工", code="060301", emergency=False),
    Told(text="脚底下那个圆盖子翘起来咣当响", code="060202", emergency=False),
)


@pytest.fixture(scope="module")
def taught(shipped: Profile) -> Profile:
    return dataclasses.replace(shipped, phrases=(), training=TOLD)


def test_what_was_told_is_learned(taught: Profile) -> None:
    before = Classifier(taught).classify("那盏会亮的东西罢工了")
    after = Classifier(taught, train(taught)).classify("那盏会亮的东西罢工了")
    assert before.code != "060301"
    assert after.code == "060301"


def test_learning_twice_gives_the_same(taught: Profile) -> None:
    first, second = train(taught), train(taught)
    assert first.grams == second.grams
    assert np.allclose(first.weights, second.weights, atol=1e-5)
    assert (first.mix, first.sharpness, first.danger_bar) == (
        second.mix, second.sharpness, second.danger_bar,
    )  # fmt: skip


def test_a_text_scored_unread_is_as_if_left_out() -> None:
    told = [("路灯不亮", 0), ("路灯坏了", 0), ("垃圾没人收", 1), ("垃圾桶满了", 1), ("灯坏", 0)]
    read = [Document(text, label, -1, "text") for text, label in told]
    # a document of no class at the end keeps the vocabulary whole when the first is left out
    whole = [*read, Document("路灯不亮", -1, 0, "text")]
    unread = learn(whole, 2).unread
    assert unread.shape == (6, 3)
    assert unread[1, 0] > unread[1, 1]
    assert unread[3, 1] > unread[3, 0]


def test_a_model_is_kept_and_found_again(taught: Profile, tmp_path: Path) -> None:
    model = learned(taught, tmp_path)
    file = model_file(taught, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    again = learned(taught, tmp_path)
    assert again.digest == model.digest == input_digest(taught)
    assert np.array_equal(again.weights, model.weights)
    texts = ("楼下路灯不亮", "那盏会亮的东西罢工了", "")
    for text in texts:
        assert Classifier(taught, again).classify(text) == Classifier(taught, model).classify(text)


def test_rounding_to_a_byte_changes_no_answer(taught: Profile, tmp_path: Path) -> None:
    exact = train(taught)
    keep(exact, tmp_path / "m.npz")
    rounded = load(tmp_path / "m.npz")
    assert rounded is not None
    one, other = Classifier(taught, exact), Classifier(taught, rounded)
    for row in taught.taxonomy.values():
        for word in row.keywords[:2]:
            assert one.classify(word).code == other.classify(word).code


def test_other_texts_make_another_model(taught: Profile, tmp_path: Path) -> None:
    fewer = dataclasses.replace(taught, training=TOLD[:1])
    assert model_file(taught, tmp_path) != model_file(fewer, tmp_path)


def test_a_broken_cache_is_made_again(
    taught: Profile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = model_file(taught, tmp_path)
    file.write_bytes(b"PK\x03\x04 nonsense")
    assert learned(taught, tmp_path).grams
    assert "读不了" in caplog.text
    assert load(file) is not None


def test_a_cache_that_cannot_be_written_still_answers(
    taught: Profile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert learned(taught, tmp_path / "file" / "cache").grams
    assert "存不进" in caplog.text


def test_near_misses_are_learned_as_calm(shipped: Profile) -> None:
    said = {d.text: d.danger for d in documents(dataclasses.replace(shipped, training=TOLD))}
    assert said[TOLD[0].text] == -1
    unsaid = dataclasses.replace(shipped, training=(Told(text="不知道", code="060301"),))
    assert {d.text: d.danger for d in documents(unsaid)}["不知道"] == 0


def test_confidence_is_set_where_unread_texts_are_most_likely() -> None:
    read = [Document(f"文{n}", n % 2, 0, "text") for n in range(200)]
    sure = np.zeros((200, 3))
    sure[np.arange(200), np.arange(200) % 2] = 1.0
    unsure = sure.copy()
    unsure[::3, :2] = unsure[::3, 1::-1]  # a third of them wrong
    mixes = (8.0,)
    assert (
        set_confidence(read, sure, lambda _: {}, mixes)[1]
        > set_confidence(read, unsure, lambda _: {}, mixes)[1]
    )


def test_the_bar_of_danger_leans_to_recall() -> None:
    read = [Document(f"文{n}", 0, 1 if n < 60 else -1, "text") for n in range(200)]
    danger = np.where(np.arange(200) < 60, 0.2, -0.2)[:, None]
    bar = set_danger_bar(read, danger, lambda _: False)
    assert -0.2 < bar <= 0.2
    assert set_danger_bar(read[:10], danger, lambda _: False) == 0.05


def test_confidence_follows_what_was_right() -> None:
    chance = np.linspace(0.01, 0.99, 400)
    right = np.arange(400) % 4 < 2  # half of them, whatever was said
    curve = curve_of(chance, right)
    assert confidence_at(curve, 0.95) == pytest.approx(0.5, abs=0.1)
    rising = curve_of(chance, np.arange(400) >= 200)
    assert [y for _, y in rising] == sorted(y for _, y in rising)
    assert confidence_at(rising, 0.0) < 0.1 < 0.9 < confidence_at(rising, 1.0)
    assert curve_of(chance[:50], right[:50]) == ()
    assert confidence_at((), 0.3) == 0.3
