"""Committed JSON Schemas are those of the models."""

from schemas.json_schema import FOLDER, model_of, texts, write
from schemas.topics import TOPICS


def test_committed_files_are_current():
    committed = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert committed == texts(), "run: python -m schemas.json_schema"


def test_every_topic_carries_a_model_that_exists():
    assert {topic.name: model_of(topic).__name__ for topic in TOPICS} == {
        topic.name: topic.carries.rpartition(".")[2] for topic in TOPICS
    }


def test_writing_is_repeatable(tmp_path):
    first = {path.name: path.read_bytes() for path in write(tmp_path)}
    assert {path.name: path.read_bytes() for path in write(tmp_path)} == first
    assert len(first) == len(TOPICS)
