"""The file dead letters are repaired in: JSON lines, one record each.

``topic``, ``partition``, ``offset`` name the record; ``body`` is what to send instead, any JSON; a
record that is no JSON has ``base64`` (its bytes) in its place. Other fields are for the reader.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson

from schemas.deadletter import DeadLetter


class RepairProblem(ValueError):
    """The file cannot be used; the message says where and why."""


def repair_line(letter: DeadLetter) -> bytes:
    """One line of the file, with the record as it came, not masked."""
    row: dict[str, Any] = {
        "topic": letter.topic, "partition": letter.partition, "offset": letter.offset,
        "reason": letter.reason, "field": letter.field, "detail": letter.detail,
    }  # fmt: skip
    body = letter.body()
    try:
        row["body"] = orjson.loads(body)
    except ValueError:
        row["base64"] = base64.b64encode(body).decode()
    return orjson.dumps(row) + b"\n"


def read_repairs(file: Path) -> dict[tuple[str, int, int], bytes]:
    """Bodies by topic, partition, offset. RepairProblem."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as problem:
        raise RepairProblem(f"读不了 {file}:{problem.strerror}") from problem
    found: dict[tuple[str, int, int], bytes] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
            place = (str(row["topic"]), int(row["partition"]), int(row["offset"]))
            if "body" in row:
                body = orjson.dumps(row["body"])
            else:
                body = base64.b64decode(row["base64"], validate=True)
        except (ValueError, KeyError, TypeError) as problem:
            raise RepairProblem(
                f"{file} 第 {number} 行不对:要有 topic、partition、offset,以及 body 或 base64"
                f"({type(problem).__name__})"
            ) from problem
        if place in found:
            raise RepairProblem(f"{file} 第 {number} 行:同一条记录出现了两次")
        found[place] = body
    return found
