"""A class table: a profile light enough for classifying only, no areas, units or clocks.

Files (UTF-8, tab separated, first line the column names), in a folder with ``classes.toml``:
classes.tsv    level1, level2, level3: the official names
crosswalk.tsv  prefix, level1: which classes of the ``base`` profile mean which; the longest prefix
               wins, an empty level1 means none
phrases.tsv    level1, phrase, weight
training/*.tsv optional: text, level1; an empty level1: wording of no class, as in every letter
classes.toml   name, title, base, and how the model is learned and heard (``Heading``)
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import profile as p
from schemas.profile_reading import Problem, digest_name, training_files
from schemas.profile_wording import say

TOML = "classes.toml"
COLUMNS: dict[str, tuple[str, ...]] = {
    "classes.tsv":   ("level1", "level2", "level3"),
    "crosswalk.tsv": ("prefix", "level1"),
    "phrases.tsv":   ("level1", "phrase", "weight"),
}  # fmt: skip
_NAMED = ("classes.tsv", "phrases.tsv")  # here level1 may not be empty
_TRAINING = ("text", "level1")

Lines = list[tuple[int, dict[str, str]]]


class Heading(BaseModel):
    """classes.toml. ``base``: the profile whose classes crosswalk.tsv translates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    title_en: str
    base: str
    base_texts: Annotated[int, Field(ge=0)] | None = None  # of the base learned a class, at most
    learner: Literal["ridge", "counts"] = "ridge"  # these three as in ``Station``
    model_weight: Annotated[float, Field(ge=0)] | None = None
    heading_weight: Annotated[float, Field(ge=0)] = 0


class ClassTable:
    """A class table as read; ``problems`` says what is wrong with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.heading = self._heading()
        self.rows = {file: self._read(file, columns) for file, columns in COLUMNS.items()}
        self.told = [(file, self._read(file, _TRAINING)) for file in training_files(root)]
        names = dict.fromkeys(row["level1"] for _, row in self.rows["classes.tsv"])
        self.codes = {name: f"{n:02d}0000" for n, name in enumerate(names, start=1)}
        for file, rows in [*self.rows.items(), *self.told]:
            self.problems += self._unknown(file, rows)

    def profile(self, base: p.Profile) -> p.Profile:
        """A profile whose classes are those of level 1, in the order of classes.tsv, with the
        names of levels 2 and 3 and what the crosswalk maps onto them as keywords and texts."""
        assert self.heading is not None
        walk = self.walk(base)
        words: dict[str, list[str]] = {name: [] for name in self.codes}
        for _, row in self.rows["classes.tsv"]:
            words[row["level1"]] += [w for w in (row["level2"], row["level3"]) if w != "其他"]
        told = [
            p.Told(text=row["text"], code=self.codes.get(row["level1"], ""), emergency=None)
            for _, rows in self.told
            for _, row in rows
        ]
        for code, entry in base.taxonomy.items():
            if code in walk:
                said = "、".join((entry.name, *entry.keywords))
                told.append(p.Told(text=said, code=self.codes[walk[code]], emergency=None))
        told += self._borrowed(base, walk)
        phrases = [
            p.Phrase(
                kind="weight", phrase=row["phrase"], class_code=self.codes[row["level1"]],
                weight=float(row["weight"]),
            )
            for _, row in self.rows["phrases.tsv"]
        ]  # fmt: skip
        phrases += [phrase for phrase in base.phrases if phrase.kind != "weight"]
        return p.Profile(
            station=p.Station(
                name=self.heading.name, title=self.heading.title, title_en=self.heading.title_en,
                model_weight=self.heading.model_weight, learner=self.heading.learner,
                heading_weight=self.heading.heading_weight,
                city="", centre="", centre_en="", desk_unit="",
            ),
            areas={}, rings={}, grades={}, channels={}, device_events=(), units={}, devices={},
            places={}, routes=(), deadlines=(), days_off=(),
            taxonomy={
                code: _class(name, code, tuple(dict.fromkeys(words[name])))
                for name, code in self.codes.items()
            },
            phrases=tuple(phrases),
            training=tuple(told),
            digest=self._digest(base),
        )  # fmt: skip

    def _borrowed(self, base: p.Profile, walk: dict[str, str]) -> Iterator[p.Told]:
        """Texts of the base under the names of level 1; where a class has more than
        ``base_texts``, so many of them, evenly spread."""
        found: dict[str, list[p.Told]] = {}
        for text in base.training:
            if text.code in walk:
                found.setdefault(walk[text.code], []).append(text)
        for name, texts in found.items():
            most = len(texts) if self.heading is None else self.heading.base_texts
            most = len(texts) if most is None else min(most, len(texts))
            for n in range(most):
                text = texts[n * len(texts) // most]
                yield text.model_copy(update={"code": self.codes[name]})

    def walk(self, base: p.Profile) -> dict[str, str]:
        """Class code of the base → level 1, for those that have one."""
        prefixes = {row["prefix"]: row["level1"] for _, row in self.rows["crosswalk.tsv"]}
        found = {}
        for code in base.taxonomy:
            longest = next((code[:n] for n in range(6, 1, -1) if code[:n] in prefixes), "")
            if prefixes.get(longest):
                found[code] = prefixes[longest]
        return found

    def _heading(self) -> Heading | None:
        try:
            return Heading.model_validate(tomllib.loads((self.root / TOML).read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            self.problems.append(Problem(TOML, 0, "", f"读不了：{problem}"))
        except ValidationError as errors:
            for wrong in errors.errors():
                name = str(wrong["loc"][0])
                self.problems.append(Problem(TOML, 0, name, say(wrong, wrong.get("input", ""))))
        return None

    def _read(self, file: str, columns: tuple[str, ...]) -> Lines:
        try:
            lines = (self.root / file).read_text("utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as problem:
            self.problems.append(Problem(file, 0, "", f"读不了：{problem}"))
            return []
        header = tuple(lines[0].removesuffix("\r").split("\t"))
        if header != columns:
            self.problems.append(Problem(file, 1, "", f"列应为 {' '.join(columns)}"))
            return []
        found: Lines = []
        for n, line in enumerate(lines[1:], start=2):
            cells = line.removesuffix("\r").split("\t")
            if len(cells) == len(columns):
                found.append((n, dict(zip(columns, cells, strict=True))))
            elif line.strip():
                reason = f"有 {len(cells)} 列，应为 {len(columns)} 列（用制表符分隔）"
                self.problems.append(Problem(file, n, "", reason))
        return found

    def _unknown(self, file: str, rows: Lines) -> Iterator[Problem]:
        for n, row in rows:
            name = row["level1"]
            if name not in self.codes and not (name == "" and file not in _NAMED):
                yield Problem(file, n, "level1", f"“{name}” 不在 classes.tsv 的一级分类中")
            if file == "phrases.tsv" and not _number(row["weight"]):
                yield Problem(file, n, "weight", f"“{row['weight']}” 不是数字")
            if "text" in row and len(row["text"]) < 2:
                yield Problem(file, n, "text", "文本太短")

    def _digest(self, base: p.Profile) -> str:
        total = hashlib.sha256(base.digest.encode())
        for file in (TOML, *COLUMNS, *training_files(self.root)):
            total.update(digest_name(file).encode() + b"\0" + (self.root / file).read_bytes())
        return total.hexdigest()


def is_class_table(root: Path) -> bool:
    return (root / TOML).is_file()


def _class(name: str, code: str, keywords: tuple[str, ...]) -> p.TaxonomyClass:
    """A class only classification looks at: level, grade and clocks are nobody's."""
    return p.TaxonomyClass(
        major_code=code[:2], major=name, medium_code=code[:4], medium=name, code=code, name=name,
        name_en="", department="", level="city", grade=3, accept_minutes=1, handle_hours=1,
        calendar="natural", keywords=keywords,
    )  # fmt: skip


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
