"""First-level classes of real petitions, where they are present: they never enter the project."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ops.evaluate.figures import Table, macro_f1
from schemas.profile_files import load_classes
from streams.core.classify import Classifier
from streams.learned import learned

FILE = Path("data") / "petitions" / "labelled.jsonl"


def shared_dir() -> Path:
    """GRIDWHISTLE_SHARED, else the folder ``shared`` beside the project."""
    named = os.environ.get("GRIDWHISTLE_SHARED")
    return Path(named) if named else Path(__file__).parents[3] / "shared"


def petitions() -> Table:
    table = Table(
        "信访一级分类 petitions, first level", ("text", "by", "texts", "right", "macro F1")
    )
    try:
        lines = (shared_dir() / FILE).read_text("utf-8").splitlines()
    except OSError:
        table.note = f"skipped: no {FILE} in the folder GRIDWHISTLE_SHARED names"
        return table
    rows = [json.loads(line) for line in lines]
    profile = load_classes("petitions")
    names = {code: row.name for code, row in profile.taxonomy.items()}
    classifier, plain = Classifier(profile, learned(profile)), Classifier(profile)
    true = [row["level1"] for row in rows]
    most = max(set(true), key=true.count)
    texts = {
        "subject": [row["subject"] for row in rows],
        "subject and body": [f"{row['subject']}。{row['body']}" for row in rows],
    }
    table.add("", "baseline: the most frequent class", len(rows), *_score([most] * len(rows), true))
    for name, asked in texts.items():
        for by, judge in (("tables alone", plain), ("as shipped", classifier)):
            said = [names.get(judge.classify(text).code, "") for text in asked]
            table.add(name, by, len(rows), *_score(said, true))
    return table


def _score(said: list[str], true: list[str]) -> tuple[float, float]:
    right = sum(a == b for a, b in zip(said, true, strict=True)) / len(true)
    return right, macro_f1(said, true)
