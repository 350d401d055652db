"""Corrections: read with reasons for what is wrong, merged with the newest answer counting."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.corrections import BadCorrections, merge, read, write
from schemas.profile import Told

KNOWN = ("060301", "050101")


def told(text: str, code: str, emergency: bool | None = None) -> Told:
    return Told(text=text, code=code, emergency=emergency)


def test_written_corrections_read_the_same(tmp_path: Path) -> None:
    rows = [told("路灯又坏", "060301", False), told("着火了", "", True), told("垃圾", "050101")]
    file = tmp_path / "c.tsv"
    assert write(rows, file) == 3
    assert read(file, KNOWN) == rows


def test_the_newest_answer_counts(tmp_path: Path) -> None:
    assert merge([told("门口那堆", "060301")], tmp_path, KNOWN) == 1
    assert merge([told("门口那堆", "050101"), told("灯坏", "060301")], tmp_path, KNOWN) == 2
    kept = read(tmp_path / "training" / "corrections.tsv", KNOWN)
    assert [(row.text, row.code) for row in kept] == [("门口那堆", "050101"), ("灯坏", "060301")]


def test_contacts_do_not_get_in(tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_text("text\tcode\temergency\n路灯坏,电话13812345678\t060301\t0\n", "utf-8")
    assert "13812345678" not in read(file, KNOWN)[0].text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("文本\t类别\n",                                 "首行"),
        ("text\tcode\temergency\n路灯\t060301\n",        ":2"),
        ("text\tcode\temergency\n路灯\t999999\t0\n",     "999999"),
        ("text\tcode\temergency\n路灯\t060301\t是\n",    ":2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, body: str, says: str) -> None:
    file = tmp_path / "c.tsv"
    file.write_text(body, "utf-8")
    with pytest.raises(BadCorrections, match=says):
        read(file, KNOWN)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "c.tsv"
    file.write_bytes("text\tcode\temergency\n路灯\t060301\t0\n".encode("gbk"))
    with pytest.raises(BadCorrections, match="UTF-8"):
        read(file, KNOWN)
