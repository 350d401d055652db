"""``gridwhistle classify`` and ``explain``: what the rules make of a text or a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.profile import Profile

ANSWERS = ("top1", "top2", "top3", "emergency", "confidence")
_ProfileOption = Annotated[str, typer.Option(help="地区配置名或目录 profile name or folder")]


def classify(
    file: Annotated[Path, typer.Argument(help="TSV,须有 text 列,可有 title、channel 列")],
    profile: _ProfileOption = "qinglan",
) -> None:
    """给每行文本判定类别、是否紧急与把握(TSV 到标准输出,逐行对应)。

    Class, emergency and confidence of each line of a TSV file, in order, as TSV on stdout.
    """
    raise typer.Exit(classify_file(file, profile, sys.stdout))


def classify_file(path: Path, profile_name: str, out: TextIO) -> int:
    """Write one TSV line a line of ``path``. 0, or 2 with a message on stderr."""
    from streams.core.classify import Classifier
    from streams.core.emergency import Emergencies
    from streams.core.redact import redact
    from streams.learned import learned

    profile = _profile(profile_name, classes=True)
    if profile is None:
        return 2
    named = not profile.areas  # a class table: its classes are known by their names
    shown = {code: row.name if named else code for code, row in profile.taxonomy.items()}
    model = learned(profile)
    classifier, emergencies = Classifier(profile, model), Emergencies(profile, model.danger_bar)
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            columns = _cells(next(lines, ""))
            if "text" not in columns:
                found = "、".join(filter(None, columns)) or "(空文件)"
                return _refuse(f"{path}:首行没有 text 列,只有 {found};请用制表符分隔并写明列名")
            out.write("\t".join(ANSWERS) + "\n")
            for line in lines:  # not csv: it would skip an empty line, and lines must correspond
                row = dict(zip(columns, _cells(line), strict=False))
                text, channel = redact(row.get("text", "")), row.get("channel", "")
                title = redact(row.get("title", ""))
                judged = classifier.classify(text, title, channel)
                whole = f"{title}。{text}" if title else text
                urgent = emergencies.is_emergency(whole, channel, judged.danger).emergency
                best = (*(shown[code] for code in judged.top3), "", "", "")[:3]
                out.write("\t".join((*best, str(int(urgent)), f"{judged.confidence:.3f}")) + "\n")
    except OSError as problem:
        return _refuse(f"读不了 {path}:{problem.strerror}")
    except UnicodeDecodeError:
        return _refuse(f"{path}:不是 UTF-8 编码,请转为 UTF-8(可用 iconv -f gb18030 -t utf-8)")
    return 0


def _cells(line: str) -> list[str]:
    return line.rstrip("\r\n").split("\t")


def explain(
    report: Annotated[str, typer.Argument(help="一条上报:JSON 文本、JSON 文件或 - (标准输入)")],
    profile: _ProfileOption = "qinglan",
) -> None:
    """解释一条上报:类别与理由、是否紧急、地点、承办单位、时限。

    The whole decision about one report, for operators and for CI. Exit code 1: it is invalid.
    """
    raise typer.Exit(explain_report(report, profile))


def explain_report(report: str, profile_name: str) -> int:
    """Print the decision with rich. 0; 1 when the report is invalid; 2 when it cannot be tried."""
    import time

    from rich.console import Console
    from rich.table import Table

    from streams.core.decide import Decider, Position
    from streams.core.explain import explain as lines_of
    from streams.core.reading import Invalid
    from streams.core.rules import Rules
    from streams.core.workdays import load_workdays
    from streams.learned import learned

    body = _body(report)
    if body is None:
        return 2
    profile = _profile(profile_name)
    if profile is None:
        return 2
    decider = Decider(profile, learned(profile))
    rules = Rules(profile, load_workdays(profile))
    console, worst, part = Console(), 0, 0
    topic = _topic(body)
    if topic is None:
        return _refuse("字段 channel 缺失或未知,无法判断该走哪个通道")
    for raw in _reports(topic, body):
        at = Position(topic, 0, 0, part, int(time.time() * 1000))
        answer = raw if isinstance(raw, Invalid) else lines_of(raw, at, decider, rules)
        if isinstance(answer, Invalid):
            console.print(f"[red]无法受理[/red] {answer.reason} {answer.field}", highlight=False)
            console.print(answer.detail, markup=False, highlight=False)
            worst, part = 1, part + 1
            continue
        for lines in answer:
            table = Table(show_header=False, box=None, pad_edge=False)
            for line in lines:
                table.add_row(f"[bold]{line.topic}[/bold]", _plain(line.verdict))
                for reason in line.because:
                    table.add_row("", f"[dim]{_plain(reason)}[/dim]")
            console.print(table)
            part += 1
    return worst


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _body(report: str) -> bytes | None:
    if report == "-":
        return sys.stdin.buffer.read()
    if report.lstrip()[:1] in ("{", "["):
        return report.encode()
    try:
        return Path(report).read_bytes()
    except OSError as problem:
        _refuse(f"读不了 {report}:{problem.strerror};应为 JSON 文本或文件")
        return None


def _topic(body: bytes) -> str | None:
    """The raw topic of a report, by its channel."""
    from pydantic_core import from_json

    from schemas.raw import TOPIC_OF

    try:
        value: Any = from_json(body)
    except ValueError:
        return "raw.hotline"  # whatever it is, reading says what is wrong with it
    first = value[0] if isinstance(value, list) and value else value
    channel = first.get("channel") if isinstance(first, dict) else None
    return TOPIC_OF.get(channel) if isinstance(channel, str) else None


def _reports(topic: str, body: bytes) -> Iterator[Any]:
    from streams.core.reading import read_slice

    read = read_slice(topic, [body])[0]
    yield from read if isinstance(read, list) else [read]


def _profile(name: str, classes: bool = False) -> Profile | None:
    """``classes``: a class table will do."""
    from schemas.profile_files import ProfileProblems, load_classes, load_profile

    try:
        return load_classes(name) if classes else load_profile(name)
    except ProfileProblems as problems:
        _refuse(str(problems))
        return None


def _refuse(message: str) -> int:
    typer.echo(message, err=True)
    return 2
