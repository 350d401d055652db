"""``gridwhistle classify`` and ``explain``: what the rules make of a text or a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from streams.core.reading import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.profile import Profile
    from streams.core.explain import Explained

ANSWERS = ("top1", "top2", "top3", "emergency", "confidence")
_ALSO = {"subject": "title", "body": "text"}  # columns of letters, where the others are not there
_ProfileOption = Annotated[str, typer.Option(help="地区配置名或目录 profile name or folder")]


def classify(
    file: Annotated[Path, typer.Argument(help="TSV,须有 text 或 body 列,可有 title 或 subject 列")],
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
    from streams.learned import learned, model_file

    profile = _profile(profile_name, classes=True)
    if profile is None:
        return 2
    if not model_file(profile).exists():
        typer.echo("首次使用,正在学习判定模型,约需十秒…… learning, once", err=True)
    named = not profile.areas  # a class table: its classes are known by their names
    shown = {code: row.name if named else code for code, row in profile.taxonomy.items()}
    model = learned(profile)
    classifier, emergencies = Classifier(profile, model), Emergencies(profile, model.danger_bar)
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            columns = _cells(next(lines, ""))
            found = "、".join(filter(None, columns)) or "(空文件)"
            columns = [
                name if (also := _ALSO.get(name, name)) in columns else also for name in columns
            ]
            if "text" not in columns:
                return _refuse(
                    f"{path}:首行没有 text(或 body)列,只有 {found};请用制表符分隔并写明列名"
                )
            out.write("\t".join(ANSWERS) + "\n")
            for line in lines:  # not csv: it would skip an empty line, and lines must correspond
                row = dict(zip(columns, _cells(line), strict=False))
                text, channel = redact(row.get("text", "")), row.get("channel", "")
                title = redact(row.get("title", ""))
                judged = classifier.classify(text, title, channel)
                whole = f"{title}。{text}" if title else text
                urgent = emergencies.is_emergency(whole, channel, judged.danger).emergency
                if urgent:
                    judged = judged.if_emergency()
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
    report: Annotated[str, typer.Argument(help="上报(可多条):JSON 文本、JSON 文件或 -")],
    profile: _ProfileOption = "qinglan",
    json: Annotated[bool, typer.Option("--json", help="输出 JSON,供程序使用")] = False,
    at: Annotated[
        str, typer.Option(help="假定的受理时刻,如 2026-11-26T03:00 (上海时间) decided as if then")
    ] = "",
) -> None:
    """解释一条上报:类别与理由、是否紧急、地点、承办单位与命中的路由行、时限。

    The whole decision about one report, for operators and for CI. Several reports: also which of
    them would be one case. Exit code 1: invalid.
    """
    raise typer.Exit(explain_report(report, profile, as_document=json, at=at))


def explain_report(
    report: str, profile_name: str, *, as_document: bool = False, at: str = ""
) -> int:
    """Print the decision with rich, or as a JSON list. 0; 1 when a report is invalid; 2 when it
    cannot be tried."""
    from ops.deciding import Deciding, body_of, moment

    body = body_of(report)
    if isinstance(body, str):
        return _refuse(body)
    when = moment(at)
    if when is None:
        return _refuse(f"--at {at} 不是时刻;例:2026-11-26T03:00")
    profile = _profile(profile_name)
    if profile is None:
        return 2
    answers = Deciding(profile).answers(body, when)
    if isinstance(answers, str):
        return _refuse(answers)
    if as_document:
        _print_document(answers)
    else:
        _print_words(answers)
    return 1 if any(isinstance(one, Invalid) for one in answers) else 0


def _print_document(answers: Sequence[Explained | Invalid]) -> None:
    import orjson

    from streams.core.explain import as_json

    shown = [
        {"invalid": one.reason, "field": one.field, "detail": one.detail}
        if isinstance(one, Invalid) else as_json(one)
        for one in answers
    ]  # fmt: skip
    typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


def _print_words(answers: Sequence[Explained | Invalid]) -> None:
    from rich.console import Console
    from rich.table import Table

    from streams.core.explained import in_words

    console = Console(highlight=False)
    for n, one in enumerate(answers):
        if n:
            console.print()
        if isinstance(one, Invalid):
            console.print(f"[red]无法受理[/red] {one.reason} {one.field}")
            console.print(one.detail, markup=False)
            continue
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for line in in_words(one):
            table.add_row(f"[bold]{line.topic}[/bold]", _plain(line.verdict))
            for reason in line.because:
                table.add_row("", f"[dim]{_plain(reason)}[/dim]")
        console.print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


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
