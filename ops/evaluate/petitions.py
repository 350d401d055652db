"""First-level classes of real petitions, where they are present: they never enter the project.

Two measures. Labelled letters: small, and what the classes of the public data set mean by
convention. Replies: thousands of letters with the office that answered, which says of most what
they were about, and of some only who happened to answer.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ops.evaluate.figures import Table, f1_by_class, interval, macro_f1
from schemas.profile import Profile
from schemas.profile_files import load_classes
from streams.core.classify import Classifier
from streams.core.listening import Listener
from streams.learned import learned

FOLDER = Path("data") / "petitions"
LABELLED, REPLIES = FOLDER / "labelled.jsonl", FOLDER / "replies.jsonl.gz"

_FRONT = 220  # characters of a reply in which the office that answers is named
# fmt: off
_OFFICES = {
    "城乡建设":       "住建|住房和城乡建设|住房保障|房管局|房产局|城管|城市管理|规划|公积金|园林|"
                      "自来水|供水公司|供电公司|电力公司|燃气|轨道|公交公司|征收办|拆迁|物业|市政|棚改|城建",
    "劳动和社会保障": "人社局|人力资源[和与]?社会保障|社保局|社会保险|劳动监察|劳动保障|医保局|"
                      "医疗保障局|医保中心|就业服务",
    "教育文体":       "教育局|教育厅|教体局|教育考试院|教育部门|文化广电|文旅广|文广新|文体广|"
                      "体育局|文物局",
    "商贸旅游":       "工商局|工商行政|工商分局|工商所|市场监督|市监局|质监局|质量技术监督|旅游局|"
                      "商务局|物价",
    "环境保护":       "生态环境局|环保局|环境保护局|环保分局|生态环境分局|环境监察|环保部门",
    "卫生计生":       "卫健|卫生健康|卫计|卫生和计划|计生|疾控|卫生局|食药监|食品药品",
    "交通运输":       "交通运输|交通局|运管|公路局|公路管理|客运管理|邮政管理|邮政局",
}
# fmt: on


class Letter(NamedTuple):
    subject: str
    body: str
    name: str  # of its class


def shared_dir() -> Path:
    """GRIDWHISTLE_SHARED, else the folder ``shared`` beside the project."""
    named = os.environ.get("GRIDWHISTLE_SHARED")
    return Path(named) if named else Path(__file__).parents[3] / "shared"


def petitions() -> Iterator[Table]:
    """The tables; one that only says what is missing where the letters are not there."""
    letters, answered = _labelled(), _answered()
    if not letters and not answered:
        table = Table("信访一级分类 petitions, first level", ("measured on",))
        table.note = f"skipped: no {FOLDER} in the folder GRIDWHISTLE_SHARED names"
        yield table
        return
    profile = load_classes("petitions")
    classifier = Classifier(profile, learned(profile))
    columns = ("measured on", "by", "texts", "right", "macro F1", "95 % interval")
    table = Table("信访一级分类 petitions, first level", columns)
    table.note = "replies: the class of the one office named as answering"
    for measured, those in (("labelled", letters), ("replies", answered)):
        if not those:
            continue
        true = [letter.name for letter in those]
        for by, judge in _judges(profile, classifier, true):
            said = [judge(letter) for letter in those]
            right = sum(a == b for a, b in zip(said, true, strict=True)) / len(true)
            low, high = interval(said, true)
            table.add(measured, by, len(true), right, macro_f1(said, true), f"{low:.1%}–{high:.1%}")
    yield table
    if letters:
        yield _by_class(profile, classifier, letters)


def office_of(reply: str) -> str:
    """The class whose offices alone are named where a reply begins; "" for none or several."""
    front = reply[:_FRONT]
    found = [name for name, offices in _OFFICES.items() if re.search(offices, front)]
    return found[0] if len(found) == 1 else ""


Judge = Callable[[Letter], str]


def _judges(
    profile: Profile, classifier: Classifier, true: Sequence[str]
) -> Iterator[tuple[str, Judge]]:
    names = {code: row.name for code, row in profile.taxonomy.items()}
    most = max(sorted(set(true)), key=list(true).count)
    yield "baseline: the most frequent class", lambda _: most
    listener, order = Listener(replace(profile, phrases=())), list(names.values())

    def keywords(letter: Letter) -> str:
        votes = listener.votes(f"{letter.subject}。{letter.body}")
        return order[max(votes, key=lambda n: votes[n])] if votes else ""

    yield "baseline: names of the taxonomy", keywords
    yield "subject alone", lambda x: names.get(classifier.classify(x.subject).code, "")
    joined = "subject and body as one text"
    yield joined, lambda x: names.get(classifier.classify(f"{x.subject}。{x.body}").code, "")
    yield "subject and body", lambda x: names.get(classifier.classify(x.body, x.subject).code, "")


def _by_class(profile: Profile, classifier: Classifier, letters: Sequence[Letter]) -> Table:
    table = Table(
        "信访:分类别 petitions by class (labelled, subject and body)",
        ("class", "texts", "F1", "missed as"),
    )
    names = {code: row.name for code, row in profile.taxonomy.items()}
    true = [letter.name for letter in letters]
    said = [names.get(classifier.classify(x.body, x.subject).code, "") for x in letters]
    for name, score in f1_by_class(said, true).items():
        missed = [s or "-" for s, t in zip(said, true, strict=True) if t == name != s]
        shown = "、".join(f"{m} {missed.count(m)}" for m in dict.fromkeys(missed))
        table.add(name, true.count(name), score, shown)
    return table


def _labelled() -> list[Letter]:
    try:
        lines = (shared_dir() / LABELLED).read_text("utf-8").splitlines()
    except OSError:
        return []
    rows = [json.loads(line) for line in lines]
    return [Letter(row["subject"], row["body"], row["level1"]) for row in rows]


def _answered() -> list[Letter]:
    try:
        with gzip.open(shared_dir() / REPLIES, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
    except OSError:
        return []
    found = [Letter(row["subject"], row["body"], office_of(row["reply"])) for row in rows]
    return [letter for letter in found if letter.name]
