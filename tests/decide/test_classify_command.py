"""``gridwhistle classify`` and ``explain``: lines correspond, errors are clear."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ops.cli.decide import classify_file, explain_report

HEADER = "top1\ttop2\ttop3\temergency\tconfidence"


def run(path: Path) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = classify_file(path, "qinglan", out)
    return code, out.getvalue().splitlines()


def test_one_line_a_line_in_order(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text(
        'id\ttext\tchannel\n1\t路灯不亮\tmini_app\n2\t\t\n\n3\t"厨房着火了\tpolice_110\n4\n',
        encoding="utf-8",
    )
    code, lines = run(file)
    assert code == 0
    assert lines[0] == HEADER
    cells = [line.split("\t") for line in lines[1:]]
    assert [len(row) for row in cells] == [5] * 5
    assert [row[0] for row in cells] == ["060301", "", "", "020101", ""]
    assert [row[3] for row in cells] == ["0", "0", "0", "1", "0"]
    assert cells[1] == ["", "", "", "0", "0.000"]
    for row in cells:
        assert row[4] == f"{float(row[4]):.3f}"


def test_a_mark_and_dos_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    file.write_bytes("\ufefftext\r\n井盖丢了\r\n".encode())
    code, lines = run(file)
    assert (code, len(lines)) == (0, 2)
    assert lines[1].startswith("060201")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("文本\n路灯不亮\n".encode(),       "没有 text 列"),
        (b"",                               "空文件"),
        ("text\n路灯不亮\n".encode("gbk"), "UTF-8"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: bytes, says: str
) -> None:
    file = tmp_path / "texts.tsv"
    file.write_bytes(body)
    code, _ = run(file)
    assert code == 2
    assert says in capsys.readouterr().err


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.tsv")[0] == 2
    assert "none.tsv" in capsys.readouterr().err


def test_explain_tells_the_whole_decision(capsys: pytest.CaptureFixture[str]) -> None:
    report = {
        "id": "1",
        "source": "s",
        "channel": "hotline_12345",
        "text": "路灯不亮,电话13812345678",
    }
    assert explain_report(json.dumps(report), "qinglan") == 0
    shown = capsys.readouterr().out
    for word in ("060301", "路灯不亮", "紧急", "地点", "承办", "时限", "路由行"):
        assert word in shown
    assert "13812345678" not in shown


def test_explain_says_why_a_report_is_invalid(capsys: pytest.CaptureFixture[str]) -> None:
    report = {"id": "1", "source": "s", "channel": "hotline_12345", "text": 5}
    assert explain_report(json.dumps(report), "qinglan") == 1
    assert "字段 text" in capsys.readouterr().out


@pytest.mark.parametrize("report", ["/no/such/file.json", '{"channel":"wechat"}'])
def test_explain_of_nothing(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_report(report, "qinglan") == 2
    assert capsys.readouterr().err
