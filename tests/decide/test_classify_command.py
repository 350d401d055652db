"""``gridwhistle classify`` and ``explain``: lines correspond, errors are clear."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ops.cli.decide import classify_file, explain_report
from schemas.profile_files import profile_dir

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
    ("columns", "cells"),
    [
        ("title\ttext", "路灯不亮\t垃圾桶满了"),
        ("subject\tbody", "路灯不亮\t垃圾桶满了"),
        ("body\tid\tsubject", "垃圾桶满了\t1\t路灯不亮"),
        ("body\ttext\ttitle", "井盖丢了\t垃圾桶满了\t路灯不亮"),  # text is text where it is named
    ],
)
def test_letters_have_a_subject_and_a_body(tmp_path: Path, columns: str, cells: str) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text(f"{columns}\n{cells}\n", "utf-8")
    code, lines = run(file)
    assert (code, lines[1].split("\t")[0]) == (0, "060301")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("文本\n路灯不亮\n".encode(),       "没有 text(或 body)列"),
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


NIGHT = {
    "id": "1", "source": "s", "channel": "hotline_12345", "class_code": "080201",
    "text": "我住湖畔花园,望海幼儿园旁边的工地半夜施工",
}  # fmt: skip


def test_explain_names_the_row_its_line_and_those_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert explain_report(json.dumps(NIGHT), "qinglan", at="2026-11-25T23:30") == 0
    shown = " ".join(capsys.readouterr().out.split())
    routes = (profile_dir("qinglan") / "routes.tsv").read_text(encoding="utf-8").splitlines()
    line = next(n for n, row in enumerate(routes, 1) if row.startswith("night-noise\t"))
    for word in (
        f"routes.tsv:{line} night-noise",
        "行类别不符",
        "结论",
        "望海幼儿园",
        "deadlines.tsv:",
    ):
        assert word in shown
    assert explain_report(json.dumps(NIGHT), "qinglan", at="2026-11-25T10:00") == 0
    assert "时段须为 22:00-06:00" in capsys.readouterr().out


def test_explain_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    bad = {"id": "2", "source": "s", "channel": "hotline_12345", "text": 5}
    both = json.dumps([NIGHT, bad])
    assert explain_report(both, "qinglan", as_document=True, at="2026-11-25T23:30") == 1
    first, second = json.loads(capsys.readouterr().out)
    assert first["route"]["row"] == "night-noise"
    assert [s["row"] for s in first["route"]["steps"] if not s["passed_over"]] == ["night-noise"]
    assert first["place"]["why"]
    assert {"sign", "contact", "handle"} == {c["clock"] for c in first["clocks"]}
    assert (second["invalid"], second["field"]) == ("wrong_type", "text")


def test_explain_of_several_says_which_are_one_case(capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "source": "s",
        "channel": "police_110",
        "text": "富民路320号着火了",
        "class_code": "020101",
    }
    reports = [one | {"id": "1"}, one | {"id": "2"}]
    explain_report(json.dumps(reports), "qinglan", as_document=True)
    first, second = json.loads(capsys.readouterr().out)
    assert first["joins"] == ["另立案件"]
    assert second["joins"][0] == f"并入案件 {first['case_no']}"


def test_explain_at_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_report(json.dumps(NIGHT), "qinglan", at="half past") == 2
    assert "half past" in capsys.readouterr().err


@pytest.mark.parametrize("report", ["/no/such/file.json", '{"channel":"wechat"}'])
def test_explain_of_nothing(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_report(report, "qinglan") == 2
    assert capsys.readouterr().err


def test_explain_says_which_rows_set_the_clocks_and_the_ladder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = {
        "id": "2", "source": "s", "channel": "hotline_12345", "area_code": "990101001001001",
        "text": "楼里着火了,火势很大,有人被困,快来人",
    }  # fmt: skip
    assert explain_report(json.dumps(report), "qinglan") == 0
    shown = capsys.readouterr().out
    for word in (
        "时限行 sign-fire", "红灯后 3 分钟报区县值班席(升级行 urgent-county)",
        "红灯后 30 分钟报清澜市应急管理局(升级行 urgent-bureau)", "时限行 handle-1",
    ):  # fmt: skip
        assert word in shown, shown


def test_explain_says_who_mediates_a_dispute(capsys: pytest.CaptureFixture[str]) -> None:
    report = {
        "id": "3", "source": "s", "channel": "hotline_12345", "area_code": "990101001001001",
        "text": "楼上卫生间漏水渗到楼下,天花板滴水,邻居不肯赔偿",
    }  # fmt: skip
    assert explain_report(json.dumps(report), "qinglan") == 0
    shown = capsys.readouterr().out
    for word in (
        "邻里纠纷:鹤洲社区人民调解委员会(sifa-990101001001)", "村居 3 次、乡镇街道 3 次、区县 1 次",
        "纠纷行 neighbour", "时限行 dispatch",
    ):  # fmt: skip
        assert word in shown, shown
