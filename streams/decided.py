"""From a chunk of records to everything it comes to. Pure but for the log of a bug."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from connectors.letters import dead_letter
from schemas.event import Event
from schemas.raw import Raw
from streams.chunks import Chunk
from streams.claims import Held
from streams.core.decide import Decider, Position
from streams.core.quiet import FAMILIES, Bulk, Quiet
from streams.core.reading import MAX_SINGLE, Invalid, read_slice
from streams.core.recent import place_of, recent_key

log = logging.getLogger(__name__)

SLICE = 128  # records decoded together; larger slices leave the processor's cache
SANE_STAMP_MS = 7 * 86_400_000
MOST_PACKED = 10_000  # events of one record
MOST_LETTERS = 16  # of one record that packs many bad ones: each carries all of its bytes
LETTERS_BYTES = 24 << 20
WHOLE_LETTER = 5 << 20  # bytes of a record that its letter keeps whole; 8 MB in base64 and JSON
OPENS = frozenset(("case", "triage", "clear"))

#: a record, where it stands, and what each report in it comes to
Found = tuple[Any, Position, list[list[Event] | Invalid]]


@dataclass
class Decided:
    """What one chunk comes to."""

    quiet: Quiet | None = None  # events that cause nothing, as columns
    events: list[Event] = field(default_factory=list)  # the others, in the order of their records
    filtered: list[tuple[Any, ...]] = field(default_factory=list)
    letters: list[tuple[bytes, bytes]] = field(default_factory=list)
    reports: list[Event] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of the letters
    bad: int = 0  # records of which nothing could be read


def decide_chunk(bulk: Bulk, chunk: Chunk, held: Held, now_ms: int) -> Decided:
    """Decode and decide the records of a chunk. Never raises for what a record holds: a bug in a
    rule costs that record its place among the events, not the chunk.
    """
    out = Decided()
    topic, partition, records = chunk.tp.topic, chunk.tp.partition, chunk.records
    times = _sane([r.timestamp for r in records], now_ms)
    keys: list[int] = []
    places: list[int] = []
    quiet = None
    if topic in FAMILIES and chunk.first > held.until and chunk.size <= MAX_SINGLE:
        values, offsets = [r.value for r in records], [r.offset for r in records]
        quiet, others = bulk.quiet(topic, partition, values, offsets, times, held.calm)
        records, times = [records[n] for n in others], [times[n] for n in others]
        keys, places = quiet.keys(), quiet.places()
    else:
        held.calm.clear()
    found = list(_decided(bulk.decider, topic, partition, records, times))
    if found:
        more = [(place_of(e.offset, e.part), recent_key(e.event_id)) for e in _events(found)]
        both = sorted([*zip(places, keys, strict=True), *more])
        places, keys = [place for place, _ in both], [key for _, key in both]
    repeats = set(held.recent.repeats(keys, places))
    if quiet is not None:
        out.quiet = _take_quiet(out, quiet, repeats) if repeats else quiet
    for record, at, decided in found:
        _take(out, record, at, decided, held, repeats)
    return out


def _sane(stamps: list[int], now_ms: int) -> list[int]:
    """The records' times, or ours for one whose time in Kafka is out of all reason."""
    first, last = now_ms - SANE_STAMP_MS, now_ms + SANE_STAMP_MS
    if min(stamps) > first and max(stamps) < last:
        return stamps
    return [stamp if first < stamp < last else now_ms for stamp in stamps]


def _decided(
    decider: Decider, topic: str, partition: int, records: Sequence[Any], times: Sequence[int]
) -> Iterator[Found]:
    for start in range(0, len(records), SLICE):
        cut = slice(start, start + SLICE)
        reads = read_slice(topic, [r.value for r in records[cut]])
        for record, stamp, read in zip(records[cut], times[cut], reads, strict=True):
            at = Position(topic, partition, record.offset, 0, stamp)
            if isinstance(read, Raw):  # by far the most common
                yield record, at, [_decide(decider, read, at)]
            else:
                yield record, at, _decide_packed(decider, read, at)


def _decide(decider: Decider, raw: Raw, at: Position) -> list[Event] | Invalid:
    try:
        return decider.decide(raw, at)
    except Exception as exc:
        log.exception("a rule failed on %s[%d]@%d.%d", at.topic, at.partition, at.offset, at.part)
        return Invalid("bug", "", f"处理规则出错:{type(exc).__name__}")


def _decide_packed(
    decider: Decider, read: Invalid | list[Raw | Invalid], at: Position
) -> list[list[Event] | Invalid]:
    """A record that cannot be read, or packs several reports."""
    if isinstance(read, list) and len(read) > MOST_PACKED:
        detail = f"一条记录打包了 {len(read)} 个事件,上限 {MOST_PACKED} 个"
        read = Invalid("too_large", "", detail)
    found: list[list[Event] | Invalid] = []
    part = 0
    for raw in read if isinstance(read, list) else [read]:
        one = raw if isinstance(raw, Invalid) else _decide(decider, raw, at._replace(part=part))
        part += 1 if isinstance(one, Invalid) else len(one)
        found.append(one)
    return found


def _events(found: Sequence[Found]) -> Iterator[Event]:
    for _, _, decided in found:
        for one in decided:
            if not isinstance(one, Invalid):
                yield from one


def _take_quiet(out: Decided, quiet: Quiet, repeats: set[int]) -> Quiet:
    """What is no repeat; the others are filtered."""
    fresh: list[int] = []
    for n, place in enumerate(quiet.places()):
        if place not in repeats:
            fresh.append(n)
            continue
        offset, ingest_ms = int(quiet.offsets[n]), int(quiet.ingest_ms[n])
        out.filtered.append(
            (quiet.topic, quiet.partition, offset, 0, quiet.event_id(n), "repeat", ingest_ms)
        )
    return quiet.only(fresh)


def _take(
    out: Decided, record: Any, at: Position, found: list[list[Event] | Invalid], held: Held,
    repeats: set[int],
) -> None:  # fmt: skip
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
            if place_of(offset, part) in repeats:
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
