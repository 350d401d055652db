"""Reports decided on the command line: read as intake reads them, and explained."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from schemas.case import Case
from schemas.profile import Profile
from schemas.raw import TOPIC_OF, Raw, epoch_ms
from streams.core.cases import apply
from streams.core.decide import Decider, Position
from streams.core.explain import Explained, explain
from streams.core.incidents import OpenCases
from streams.core.reading import Invalid, read_slice
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.learned import learned


def body_of(report: str) -> bytes | str:
    """JSON text, a file or ``-``; a str says in Chinese why there is none."""
    if report == "-":
        return sys.stdin.buffer.read()
    if report.lstrip()[:1] in ("{", "["):
        return report.encode()
    try:
        return Path(report).read_bytes()
    except OSError as problem:
        return f"读不了 {report}:{problem.strerror};应为 JSON 文本或文件"


def moment(at: str) -> int | None:
    """Epoch milliseconds of an ISO time (Shanghai unless it says otherwise); "" = now."""
    if not at:
        return int(time.time() * 1000)
    try:
        return epoch_ms(datetime.fromisoformat(at))
    except ValueError:
        return None


class Deciding:
    """A profile made ready: decider with its learned model, rules with the calendar."""

    def __init__(self, profile: Profile) -> None:
        self.decider = Decider(profile, learned(profile))
        self.rules = Rules(profile, load_workdays(profile))

    def answers(self, body: bytes, at_ms: int) -> list[Explained | Invalid] | str:
        """What each report of a JSON object or array becomes; a str: no channel can be told."""
        found: list[Explained | Invalid] = []
        for part in _parts(body):
            topic = _topic(part)
            if topic is None:
                return "字段 channel 缺失或未知,无法判断该走哪个通道"
            for raw in _reports(topic, part):
                at = Position(topic, 0, 0, len(found), at_ms)
                told = raw if isinstance(raw, Invalid) else self._explained(raw, at)
                found += [told] if isinstance(told, Invalid) else told
        return self._beside(found) if len(found) > 1 else found

    def _explained(self, raw: Raw, at: Position) -> list[Explained] | Invalid:
        return explain(raw, at, self.decider, self.rules)

    def _beside(self, answers: Sequence[Explained | Invalid]) -> list[Explained | Invalid]:
        """Which of several reports would be one case: each opens or joins one in their order."""
        from streams.intake import command_of

        cases, by_number = OpenCases(self.rules.places), dict[str, Case]()
        found: list[Explained | Invalid] = []
        for one in answers:
            if isinstance(one, Invalid) or one.event.disposition not in ("case", "triage"):
                found.append(one)
                continue
            command = command_of(one.event)
            assert command.report is not None
            match = cases.find(command.report, one.event.village, command.case_no)
            number = match.joins or command.case_no
            change = apply(
                by_number.get(number), command.model_copy(update={"case_no": number}),
                self.rules, command.at,
            )  # fmt: skip
            if isinstance(case := getattr(change, "case", None), Case):
                by_number[number] = case
                cases.put(case)
            if match.joins:
                told = (f"并入案件 {number}", *filter(None, (match.why,)))
            else:
                told = ("另立案件", *(f"可能相关:{s.case_no}" for s in match.similar))
            found.append(dataclasses.replace(one, joins=told))
        return found


def _parts(body: bytes) -> list[bytes]:
    """The reports of an array each for itself: they may be of several channels."""
    try:
        value: Any = from_json(body)
    except ValueError:
        return [body]
    return [to_json(one) for one in value] if isinstance(value, list) and value else [body]


def _topic(body: bytes) -> str | None:
    """The raw topic of a report, by its channel."""
    try:
        value: Any = from_json(body)
    except ValueError:
        return "raw.hotline"  # whatever it is, reading says what is wrong with it
    channel = value.get("channel") if isinstance(value, dict) else None
    return TOPIC_OF.get(channel) if isinstance(channel, str) else None


def _reports(topic: str, body: bytes) -> Iterator[Raw | Invalid]:
    read = read_slice(topic, [body])[0]
    yield from read if isinstance(read, list) else [read]
