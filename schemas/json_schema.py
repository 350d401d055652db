"""JSON Schema (2020-12) of every topic's records, generated from the models.

``python -m schemas.json_schema`` writes them to ``schemas/json``; a test keeps them current.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from schemas.topics import TOPICS, Topic

FOLDER: Final = Path(__file__).parent / "json"


def model_of(topic: Topic) -> type[BaseModel]:
    """The model a topic carries, found by its dotted name."""
    module, _, name = topic.carries.rpartition(".")
    model: type[BaseModel] = getattr(import_module(module), name)
    return model


def schema_of(topic: Topic) -> dict[str, Any]:
    """Schema of one record of the topic, with the topic's own words in it."""
    body = model_of(topic).model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"gridwhistle:topic:{topic.name}",
        **body,
        "title": topic.name,
        "description": f"{topic.note}。{body.get('description', '')}".strip(),
        "x-key": topic.key,
    }


def texts() -> dict[str, str]:
    """File name → content, for every topic."""
    return {
        f"{topic.name}.json": json.dumps(schema_of(topic), ensure_ascii=False, indent=2) + "\n"
        for topic in TOPICS
    }


def write(directory: Path = FOLDER) -> list[Path]:
    """Writes all schemas into ``directory`` and returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts().items():
        path = directory / name
        path.write_text(text, "utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    write()
