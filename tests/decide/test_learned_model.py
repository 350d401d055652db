"""The learned model: from a profile's own texts, kept in a cache, the same to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from schemas.profile import Profile, Told
from streams.core.calibration import Judged, curve_of, set_alarm, set_bar, set_confidence
from streams.core.classify import Classifier
from streams.core.ngrams import confidence_at, danger_of
from streams.core.training import Document, documents, input_digest, learn, train
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
    assert np.abs(first.steps.astype(int) - second.steps).max() <= 1
    assert np.allclose(first.scale, second.scale, rtol=1e-5)
    assert (first.mix, first.sharpness, first.danger_bar) == (
        second.mix, second.sharpness, second.danger_bar,
    )  # fmt: skip


def test_a_text_held_out_is_scored_by_a_model_of_the_others() -> None:
    told = [("路灯不亮", 0), ("路灯坏了", 0), ("垃圾没人收", 1), ("垃圾桶满了", 1)] * 10
    read = [Document(text, label, -1, "text") for text, label in told]
    odd = Document("天书奇谭", 1, -1, "text")
    whole = [*read, odd, Document("天书奇谭", -1, 0, "class")]  # its grams stay in the vocabulary
    learned = learn(whole, 2)
    assert sorted(learned.held) == list(range(41))
    of_odd = learned.unread[learned.held.index(40)]
    assert abs(of_odd[0] - of_odd[1]) < 0.05  # nothing was known of it
    again = learn(read, 2).unread
    assert all(row[:2].argmax() == read[n].label for n, row in zip(learn(read, 2).held, again,
                                                                    strict=True))  # fmt: skip


def test_a_part_of_many_texts_is_held_out_in_blocks() -> None:
    read = [Document(f"路灯{n}号不亮", n % 2, 0, "text") for n in range(4000)]
    held = learn(read, 2).held
    assert len(held) == 800
    assert held[:8] == (0, 1, 2, 3, 20, 21, 22, 23)


def test_a_model_is_kept_and_found_again(taught: Profile, tmp_path: Path) -> None:
    model = learned(taught, tmp_path)
    file = model_file(taught, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    again = learned(taught, tmp_path)
    assert again.digest == model.digest == input_digest(taught)
    assert np.array_equal(again.steps, model.steps)
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
    labels = np.arange(200) % 2
    sure = np.zeros((200, 2), dtype=np.float32)
    sure[np.arange(200), labels] = 1.0
    unsure = sure.copy()
    unsure[::3] = unsure[::3, ::-1]  # a third of them wrong
    votes, trust = np.zeros_like(sure), np.ones(200)
    one = set_confidence(sure, votes, labels, trust, (8.0,))[1]
    assert one > set_confidence(unsure, votes, labels, trust, (8.0,))[1]


def test_how_it_sounds_and_what_class_it_may_be_make_the_danger() -> None:
    danger = np.where(np.arange(300) % 3 == 0, 1, -1)
    sound = np.where(danger > 0, 0.4, -0.4).astype(np.float32)
    sound[::7] *= -1  # some sound otherwise than they are
    scores = np.zeros((300, 2), dtype=np.float32)
    scores[np.arange(300), (danger > 0).astype(int)] = 3.0
    shares = np.array([0.05, 0.9], dtype=np.float32)
    lengths = np.where(np.arange(300) % 2 == 0, 10, 40)
    alarm = set_alarm(Judged(scores, sound, lengths, 1.0), shares, danger)
    assert alarm[1] > 0
    assert alarm[2] > 0
    calm, grave = danger_of(alarm, -0.4, 0.05, 20), danger_of(alarm, 0.4, 0.9, 20)
    assert -1 < calm < danger_of(alarm, 0.4, 0.05, 20) < grave < 1


def test_length_counts_up_to_a_limit() -> None:
    alarm = (-3.0, 5.0, 0.5, 1.0)
    brief, told, letter = (danger_of(alarm, 0.1, 0.2, n) for n in (0, 30, 400))
    assert brief < told < letter == danger_of(alarm, 0.1, 0.2, 120)


def test_neither_sound_nor_class_speaks_for_calm() -> None:
    danger = np.where(np.arange(300) % 3 == 0, 1, -1)
    sound = np.where(danger > 0, -0.4, 0.4).astype(np.float32)
    flat = Judged(np.zeros((300, 2), dtype=np.float32), sound, np.full(300, 20), 1.0)
    assert set_alarm(flat, np.array([0.5, 0.5], dtype=np.float32), danger)[1] == 0
    assert set_alarm(flat, np.zeros(2, dtype=np.float32), danger[:30]) == (0.0, 2.0, 0.0, 0.0)


def test_the_bar_of_danger_leans_to_recall() -> None:
    truth = np.where(np.arange(400) < 100, 1, -1)
    danger = np.linspace(1, -1, 400)
    nothing = np.zeros(400, dtype=np.bool_)
    assert -0.2 < set_bar(np.where(truth > 0, 0.2, -0.2), nothing, truth) <= 0.2
    danger[95:100] = -0.9  # a few that nothing tells from calm ones are given up
    assert set_bar(danger, nothing, truth) > 0
    assert set_bar(danger[:10], nothing[:10], truth[:10]) == 0.0


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
