"""Dead letters in Kafka: read, described safely, sent back whole.

A letter is named by where its record stood: topic, partition, offset. A record that packs several
events can have several letters (``part``), each with the whole record: it is sent back once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from schemas.deadletter import DeadLetter
from schemas.redact import redact
from schemas.topics import BY_NAME

TOPIC = "dead-letters"
REPLAYED = "replayed-from"
ANSWER_SECONDS = 15.0
HEX_BYTES = 512  # of a payload that is no text

# What a terminal would obey or hide: controls but tab and line feed, DEL and C1, and marks that
# turn the direction of text.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_DIGITS = re.compile(rb"\d{7,}")

Place = tuple[str, int, int]  # topic, partition, offset


class Wanted(NamedTuple):
    """Which letters; "" and None match all."""

    reason: str = ""
    topic: str = ""
    partition: int | None = None
    offset: int | None = None
    since: datetime | None = None

    def takes(self, letter: DeadLetter) -> bool:
        return (
            (not self.reason or letter.reason == self.reason)
            and (not self.topic or letter.topic == self.topic)
            and (self.partition is None or letter.partition == self.partition)
            and (self.offset is None or letter.offset == self.offset)
            and (self.since is None or letter.at >= self.since)
        )


ALL = Wanted()


def place_of(letter: DeadLetter) -> Place:
    return letter.topic, letter.partition, letter.offset


def replayed_from(letter: DeadLetter) -> Place | None:
    """The letter this one's record was sent back from, if it was."""
    for name, value in letter.headers:
        if name == REPLAYED:
            topic, _, rest = value.rpartition("/")[0].rpartition("/")
            offset = value.rpartition("/")[2]
            if topic and rest.isdigit() and offset.isdigit():
                return topic, int(rest), int(offset)
    return None


async def letters(
    kafka: KafkaAddress, wanted: Wanted = ALL, unreadable: Callable[[int, int], None] | None = None
) -> AsyncIterator[DeadLetter]:  # fmt: skip
    """The letters that Kafka keeps and that stood there when asked, oldest first in a partition.

    ``unreadable(partition, offset)`` hears of records of the topic that are no letters.
    KafkaUnavailable.
    """
    async with _reader(kafka) as (consumer, ends):
        if wanted.since is not None:
            await _seek(consumer, wanted.since, ends)
        left = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}
        while left:
            batches = await consumer.getmany(timeout_ms=1000)
            for records in batches.values():
                for record in records:
                    letter = _letter(record, unreadable)
                    if letter is not None and wanted.takes(letter):
                        yield letter
            for tp in [tp for tp, end in left.items() if await consumer.position(tp) >= end]:
                del left[tp]
                consumer.pause(tp)


async def standing(kafka: KafkaAddress, wanted: Wanted, limit: int) -> tuple[list[DeadLetter], int]:
    """The oldest ``limit`` records to send back (see ``once_each``), and how many there are in all.
    Reads the topic twice, so that no more than ``limit`` payloads are ever held."""
    slim = [letter.model_copy(update={"payload": ""}) async for letter in letters(kafka)]
    chosen = [letter for letter in once_each(slim) if wanted.takes(letter)]
    places = dict.fromkeys(place_of(letter) for letter in chosen[:limit])
    whole: dict[Place, DeadLetter] = {}
    async for letter in letters(kafka, wanted):
        if place_of(letter) in places:
            whole.setdefault(place_of(letter), letter)
    return [whole[place] for place in places if place in whole], len(chosen)


async def find(kafka: KafkaAddress, place: Place) -> list[DeadLetter]:
    """All letters of one record, by part; the newest of each. KafkaUnavailable."""
    found: dict[int, DeadLetter] = {}
    async for letter in letters(kafka, Wanted("", *place)):
        found[letter.part] = letter
    return [found[part] for part in sorted(found)]


def once_each(found: Iterable[DeadLetter]) -> list[DeadLetter]:
    """What can be sent back: each record once, in order of time; not those that were sent back
    before and failed again, for then the newer letter stands for them."""
    by_place: dict[Place, DeadLetter] = {}
    superseded: set[Place] = set()
    for letter in found:
        by_place.setdefault(place_of(letter), letter)
        if (earlier := replayed_from(letter)) is not None:
            superseded.add(earlier)
    rest = [letter for place, letter in by_place.items() if place not in superseded]
    return sorted(rest, key=lambda letter: (letter.at, place_of(letter)))


class Sendback(NamedTuple):
    """A record to put back: ``body`` is the letter's own or a repaired one."""

    letter: DeadLetter
    body: bytes


async def send_back(kafka: KafkaAddress, records: Sequence[Sendback]) -> int:
    """Put records back to their topics with their keys and headers, and a header ``replayed-from``.
    Returns how many Kafka acknowledged. KafkaUnavailable: some may be there; again is harmless.
    ValueError for a topic that is not ours."""
    import asyncio
    import base64

    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    for record in records:
        if record.letter.topic not in BY_NAME:
            raise ValueError(f"未知主题 {record.letter.topic}")
    producer = AIOKafkaProducer(
        client_id="gridwhistle-deadletters", acks="all", enable_idempotence=True,
        max_request_size=8 << 20, **kafka.client(),
    )  # fmt: skip
    sent = 0
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await producer.start()
        for letter, body in records:
            headers = [(k, v.encode("latin-1")) for k, v in letter.headers if k != REPLAYED]
            headers.append((REPLAYED, "/".join(map(str, place_of(letter))).encode()))
            key = None if letter.key is None else base64.b64decode(letter.key)
            async with asyncio.timeout(ANSWER_SECONDS):
                await producer.send_and_wait(letter.topic, body, key=key, headers=headers)
            sent += 1
    except (KafkaError, OSError, TimeoutError) as error:
        why = str(error) or "没有回答"
        raise KafkaUnavailable(f"{kafka.bootstrap}:{why}(已放回 {sent} 条)") from error
    finally:
        await producer.stop()
    return sent


def readable(body: bytes) -> tuple[str, str]:
    """(how it is shown, text safe for any terminal): text with contacts masked, else hex."""
    if not body:
        return "空", ""
    for encoding, name in (("utf-8", "UTF-8"), ("gb18030", "GBK")):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.count("\x00") * 10 > len(text):
            break
        return name, safe(redact(text))
    cut = _DIGITS.sub(lambda run: b"*" * len(run.group()), body[:HEX_BYTES])
    lines = [
        f"{at:06x}  {cut[at : at + 16].hex(' '):<47}  {_printable(cut[at : at + 16])}"
        for at in range(0, len(cut), 16)
    ]
    if len(body) > HEX_BYTES:
        lines.append(f"……共 {len(body)} 字节")
    return "十六进制", "\n".join(lines)


def safe(text: str) -> str:
    """The text with everything a terminal would obey made visible."""
    return _UNSAFE.sub(lambda sign: f"\\u{ord(sign.group()):04x}", text)


def _printable(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)


def _letter(record: Any, unreadable: Callable[[int, int], None] | None) -> DeadLetter | None:
    try:
        return DeadLetter.model_validate_json(record.value or b"")
    except ValidationError:
        if unreadable is not None:
            unreadable(record.partition, record.offset)
        return None


@asynccontextmanager
async def _reader(kafka: KafkaAddress) -> AsyncIterator[tuple[Any, dict[Any, int]]]:
    """A consumer at the start of every partition, and the ends as they are now."""
    import asyncio

    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    consumer = AIOKafkaConsumer(
        client_id="gridwhistle-deadletters", group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=9 << 20, **kafka.client(),
    )  # fmt: skip
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await consumer.start()
            await consumer._client.force_metadata_update()
            numbers = consumer.partitions_for_topic(TOPIC) or set()
            if TOPIC not in await consumer.topics():
                numbers = set()
            tps = [TopicPartition(TOPIC, number) for number in sorted(numbers)]
            ends: dict[Any, int] = {}
            if tps:
                consumer.assign(tps)
                ends = await consumer.end_offsets(tps)
                await consumer.seek_to_beginning(*tps)
        yield consumer, ends
    except (KafkaError, OSError, TimeoutError) as error:
        raise KafkaUnavailable(f"{kafka.bootstrap}:{str(error) or '没有回答'}") from error
    finally:
        await consumer.stop()


async def _seek(consumer: Any, since: datetime, ends: dict[Any, int]) -> None:
    """To the first record of each partition at or after the moment."""
    stamp = int(since.timestamp() * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(ends, stamp)) if ends else {}
    for tp, end in ends.items():
        at = found.get(tp)
        consumer.seek(tp, end if at is None else at.offset)
