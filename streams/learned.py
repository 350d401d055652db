"""The learned model of a profile: made once on a machine, kept in a cache, loaded in milliseconds.

The file's name is the digest of everything the model was learned from, so a changed text, keyword
or phrase makes a new one and nothing ever goes stale. It may be deleted at any time. A cache that
cannot be written costs the seconds of learning at every start, and says so.
"""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from schemas.profile import Profile
from streams.core.ngrams import Model
from streams.core.training import input_digest, train

log = logging.getLogger(__name__)


def learned(profile: Profile, cache: Path | None = None) -> Model:
    """The model of a profile, learned now if this machine does not have it yet."""
    path = model_file(profile, cache)
    model = load(path)
    if model is None:
        model = train(profile)
        try:
            keep(model, path)
        except OSError as problem:
            log.warning("学到的模型存不进 %s,下次启动要再学一遍:%s", path.parent, problem.strerror)
    return model


def model_file(profile: Profile, cache: Path | None = None) -> Path:
    """Where the model of a profile is kept. ``cache``: by default GRIDWHISTLE_CACHE_DIR, else the
    user's cache directory (XDG)."""
    folder = cache or _cache_dir()
    return folder / f"model-{profile.station.name}-{input_digest(profile)[:24]}.npz"


def keep(model: Model, path: Path) -> None:
    """Write a model, all of it or nothing. OSError when the place cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False, suffix=".part") as part:
        try:
            np.savez_compressed(
                part,
                labels=np.array(model.labels),
                grams=np.array(model.grams),
                idf=model.idf,
                scale=model.scale,
                weights=model.steps,
                bias=model.bias,
                curve=np.array(model.curve, dtype=np.float64).reshape(-1, 2),
                shares=model.shares,
                settings=np.array([model.mix, model.sharpness, model.danger_bar, *model.alarm]),
                digest=np.array(model.digest),
            )
        except BaseException:
            Path(part.name).unlink()
            raise
    Path(part.name).replace(path)


def load(path: Path) -> Model | None:
    """None when there is none, or when what is there cannot be read (it is then made again)."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            mix, sharpness, bar, *alarm = kept["settings"].tolist()
            return Model(
                labels=tuple(kept["labels"].tolist()),
                grams=tuple(kept["grams"].tolist()),
                idf=kept["idf"],
                steps=kept["weights"],
                scale=kept["scale"],
                bias=kept["bias"],
                mix=mix,
                sharpness=sharpness,
                shares=kept["shares"],
                alarm=(alarm[0], alarm[1], alarm[2], alarm[3]),
                danger_bar=bar,
                curve=tuple((chance, right) for chance, right in kept["curve"].tolist()),
                digest=str(kept["digest"]),
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as problem:
        log.warning("学到的模型 %s 读不了,重新学习:%s", path, problem)
        return None


def _cache_dir() -> Path:
    named = os.environ.get("GRIDWHISTLE_CACHE_DIR")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "gridwhistle"
