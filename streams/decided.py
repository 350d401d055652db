"""From a chunk of records to everything it comes to. Pure but for the log of a bug."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from connectors.letters import dead_letter
from schemas.event import Event
from schemas.raw import Raw
from streams.chunks import Chunk
from streams.claims import Held
from streams.core.decide import Decider, Position
from streams.core.reading import Invalid, read_slice

log = logging.getLogger(__name__)

SLICE = 128  # records decoded together; larger slices leave the processor's cache
SANE_STAMP_MS = 7 * 86_400_000
MOST_PACKED = 10_000  # events of one record
MOST_LETTERS = 16  # of one record that packs many bad ones: each carries all of its bytes
LETTERS_BYTES = 24 << 20
WHOLE_LETTER = 5 << 20  # bytes of a record that its letter keeps whole; 8 MB in base64 and JSON
OPENS = frozenset(("case", "triage", "clear"))


@dataclass
class Decided:
    """What one chunk comes to."""

    events: list[Event] = field(default_factory=list)
    filtered: list[tuple[Any, ...]] = field(default_factory=list)
    letters: list[tuple[bytes, bytes]] = field(default_factory=list)
    reports: list[Event] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of the letters
    bad: int = 0  # records of which nothing could be read


def decide_chunk(decider: Decider, chunk: Chunk, held: Held, now_ms: int) -> Decided:
    """Decode and decide the records of a chunk. Never raises for what a record holds: a bug in a
    rule costs that record its place among the events, not the chunk.
    """
    out = Decided()
    topic, partition = chunk.tp.topic, chunk.tp.partition
    decide, repeated = decider.decide, held.recent.repeated
    records, until = chunk.records, held.until
    place = tuple.__new__  # a third of the time of Position(…)
    events, reports = out.events, out.reports
    for start in range(0, len(records), SLICE):
        cut = records[start : start + SLICE]
        for record, read in zip(cut, read_slice(topic, [r.value for r in cut]), strict=True):
            offset, stamp = record.offset, record.timestamp
            sane = stamp and now_ms - SANE_STAMP_MS < stamp < now_ms + SANE_STAMP_MS
            at = place(Position, (topic, partition, offset, 0, stamp if sane else now_ms))
            if isinstance(read, Raw) and offset > until:  # by far the most common
                try:
                    found = decide(read, at)
                except Exception as exc:
                    found = _bug(at, exc)
                if type(found) is list and len(found) == 1:
                    event = found[0]
                    if not repeated(event.event_id, offset, 0):
                        events.append(event)
                        if event.disposition in OPENS:
                            reports.append(event)
                        continue
                _take(out, record, at, [found], held)
            else:
                _take_slowly(out, decider, record, at, read, held)
    return out


def _take_slowly(
    out: Decided, decider: Decider, record: Any, at: Position, read: Any, held: Held
) -> None:
    """A record that packs several reports, cannot be read, or may be in the tables already."""
    if isinstance(read, list) and len(read) > MOST_PACKED:
        detail = f"一条记录打包了 {len(read)} 个事件,上限 {MOST_PACKED} 个"
        read = Invalid("too_large", "", detail)
    found: list[list[Event] | Invalid] = []
    part = 0
    for raw in read if isinstance(read, list) else [read]:
        if isinstance(raw, Invalid):
            found.append(raw)
        else:
            place = at._replace(part=part)
            try:
                found.append(decider.decide(raw, place))
            except Exception as exc:
                found.append(_bug(place, exc))
        last = found[-1]
        part += 1 if isinstance(last, Invalid) else len(last)
    _take(out, record, at, found, held)


def _take(
    out: Decided, record: Any, at: Position, found: list[list[Event] | Invalid], held: Held
) -> None:
    """Put what a record says where it belongs; ``held.done`` is in a table already."""
    topic, partition, offset, _, ingest_ms = at
    part, letters = 0, 0
    size = len(record.value or b"")
    most_letters = max(1, min(MOST_LETTERS, LETTERS_BYTES // max(size, 1)))
    out.bad += all(isinstance(one, Invalid) for one in found)
    for one in found:
        if isinstance(one, Invalid):
            out.reasons[one.reason] += 1
            letters += 1
            if letters <= most_letters and (offset, part) not in held.done:
                out.letters.append(_letter(topic, partition, record, part, one))
            part += 1
            continue
        for event in one:
            done = (offset, part) in held.done
            if held.recent.repeated(event.event_id, offset, part):
                if not done:
                    out.filtered.append(
                        (topic, partition, offset, part, event.event_id, "repeat", ingest_ms)
                    )
            else:
                if not done:
                    out.events.append(event)
                if event.disposition in OPENS:
                    out.reports.append(event)
            part += 1


def _letter(
    topic: str, partition: int, record: Any, part: int, why: Invalid
) -> tuple[bytes, bytes]:
    value, detail = record.value, why.detail
    if value is not None and len(value) > WHOLE_LETTER:
        detail += f";记录 {len(value)} 字节,死信只保留前 {WHOLE_LETTER} 字节,原文在 Kafka"
        record = SimpleNamespace(
            offset=record.offset, key=record.key, value=value[:WHOLE_LETTER],
            headers=record.headers,
        )  # fmt: skip
    return dead_letter(topic, partition, record, part, why.reason, why.field, detail)


def _bug(at: Position, exc: Exception) -> Invalid:
    log.exception("a rule failed on %s[%d]@%d.%d", at.topic, at.partition, at.offset, at.part)
    return Invalid("bug", "", f"处理规则出错:{type(exc).__name__}")
