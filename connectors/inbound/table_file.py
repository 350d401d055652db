"""Rows of an export file: JSON lines or CSV, plain or gzip, in any encoding Python reads."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from connectors.inbound.body import loads
from connectors.inbound.mapping import FileRule
from connectors.inbound.problems import Problem, Refused

MAX_LINE: Final = 4 << 20  # characters
_UNREADABLE: Final = re.compile("[\udc80-\udcff]")


class Row(NamedTuple):
    """``line`` counts from 1. Either ``values`` (column → text) or what is wrong with the line."""

    line: int
    values: dict[str, str]
    problems: tuple[Problem, ...] = ()


class FileProblem(Exception):
    """The file as a whole cannot be read: not there, no header, an unknown encoding, cut gzip."""


def rows(
    path: Path, rule: FileRule, *, progress: Callable[[int], None] = lambda read: None
) -> Iterator[Row]:
    """Every row in the file's order. ``progress`` hears the bytes of the file read so far.

    A bad line becomes a row with problems and reading goes on. FileProblem when it cannot.
    """
    try:
        codecs.lookup(rule.encoding)
    except LookupError as error:
        raise FileProblem(f"未知编码 {rule.encoding}") from error
    encoding = "utf-8-sig" if rule.encoding.lower() in ("utf-8", "utf8") else rule.encoding
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            plain: Any = gzip.GzipFile(fileobj=file) if packed else file
            # Undecodable bytes become lone surrogates, so one bad line does not end the file.
            text = io.TextIOWrapper(plain, encoding, errors="surrogateescape", newline="")
            reader = _json_rows(text) if rule.format == "jsonl" else _csv_rows(text, rule)
            for number, row in enumerate(reader):
                if number % 64 == 0:
                    progress(file.tell())
                yield row
            progress(file.tell())
    except (OSError, EOFError) as error:
        raise FileProblem(f"{path}:{error}") from error


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    for line, content in enumerate(text, 1):
        if not content.strip():
            continue
        if (problem := _unfit(content)) is not None:
            yield Row(line, {}, (problem,))
            continue
        try:
            item = loads(content)
        except Refused as refused:
            yield Row(line, {}, refused.problems)
            continue
        if not isinstance(item, dict):
            yield Row(line, {}, (Problem("", "wrong_type", "应为 JSON 对象"),))
            continue
        yield Row(line, dict(_flat(item, "")))


def _csv_rows(text: io.TextIOWrapper, rule: FileRule) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(text, delimiter=rule.delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
    except (StopIteration, csv.Error) as error:
        raise FileProblem("CSV 文件没有表头") from error
    if _UNREADABLE.search("".join(header)):
        raise FileProblem(f"表头不是 {rule.encoding} 编码")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, (Problem("", "bad_value", f"不是合法的 CSV 行:{error}"),))
            continue
        if not cells:
            continue
        if (problem := _unfit("".join(cells))) is not None:
            yield Row(line, {}, (problem,))
        elif len(cells) != len(header):
            reason = f"有 {len(cells)} 列,表头有 {len(header)} 列"
            yield Row(line, {}, (Problem("", "bad_value", reason),))
        else:
            yield Row(line, dict(zip(header, cells, strict=True)))


def _unfit(content: str) -> Problem | None:
    if _UNREADABLE.search(content):
        return Problem("", "not_utf8", "含有与所选编码不符的字节,可用 --encoding 指定编码")
    if len(content) > MAX_LINE:
        return Problem("", "too_large", f"一行超过 {MAX_LINE} 个字符")
    return None


def _flat(item: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Nested objects as dotted columns; lists joined with commas."""
    for name, value in item.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(part) for part in value)
    return str(value)
