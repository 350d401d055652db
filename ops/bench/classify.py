"""Classifying a text: microseconds a text, and how large the learned model is."""

from __future__ import annotations

import csv
import gc
import tempfile
import time
from pathlib import Path

from ops.bench.result import Result, machine
from schemas.profile_files import load_profile
from streams.core.classify import Classifier
from streams.core.emergency import Emergencies
from streams.learned import keep, learned, load

TEXTS = Path(__file__).parents[1] / "simulator" / "texts.tsv"


def run(quick: bool) -> Result:
    result = Result("classify", machine())
    profile = load_profile("qinglan")
    began = time.perf_counter()
    model = learned(profile)
    result.add("model at hand", "s", [time.perf_counter() - began], "learned now, or loaded")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.npz"
        keep(model, file)
        began = time.perf_counter()
        load(file)
        result.add("loading it", "ms", [(time.perf_counter() - began) * 1000])
        result.add("model file", "MB", [file.stat().st_size / 1e6], f"{len(model.grams)} grams")
    result.add("model in memory", "MB", [model.steps.nbytes / 1e6])
    classifier, emergencies = Classifier(profile, model), Emergencies(profile, model.danger_bar)
    with TEXTS.open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row["text"] for row in rows]
    length = sum(map(len, texts)) / len(texts)
    runs: dict[str, list[float]] = {"class": [], "class and emergency": []}
    gc.disable()
    for _ in range(3 if quick else 15):
        began = time.process_time()
        for text in texts:
            classifier.classify(text)
        runs["class"].append((time.process_time() - began) / len(texts) * 1e6)
        began = time.process_time()
        for text in texts:
            judged = classifier.classify(text)
            emergencies.is_emergency(text, "", judged.danger)
        runs["class and emergency"].append((time.process_time() - began) / len(texts) * 1e6)
    gc.enable()
    for name, found in runs.items():
        result.add(name, "µs CPU a text", found, f"{len(texts)} texts of {length:.0f} characters")
    return result
