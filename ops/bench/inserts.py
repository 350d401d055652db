"""``python -m ops.bench.inserts COUNT``: the store alone, given the blocks the worker gives it.

COUNT records are decided and made into blocks before the clock starts; then block after block goes
in, as the worker sends them: claimed, with a token each, never two at a time. What is left is what
the store takes on this machine when nothing else wants its processors: the limit of any worker that
writes these rows one block after the other.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from typing import Any, NamedTuple

from faust.types import TP

from ops.bench.consumer import Meter
from ops.bench.feed import calm
from schemas.event import EVENT_COLUMNS
from schemas.profile import Profile
from schemas.profile_files import load_profile
from schemas.settings import Settings
from schemas.topics import BY_NAME
from streams.chunks import Chunk
from streams.claimed_insert import send_as_writer
from streams.claims import Claims, Held
from streams.core.decide import Decider
from streams.core.quiet import Bulk
from streams.decided import decide_chunk
from streams.event_block import STRUCTURE, events_block
from streams.learned import learned
from streams.line import StoreLine
from streams.sink import store_address

TOPIC = "raw.fire"
CHUNK, BLOCK = 2_000, 20_000  # records


class _Record(NamedTuple):
    offset: int
    timestamp: int
    value: bytes
    key: bytes | None = None
    headers: tuple[Any, ...] = ()


def blocks(profile: Profile, count: int) -> list[bytes]:
    """COUNT records of all partitions in turn, decided and packed."""
    bulk = Bulk(Decider(profile, learned(profile)))
    now, values = int(time.time() * 1000), list(calm(profile, count))
    held = {n: Held() for n in range(BY_NAME[TOPIC].partitions)}
    made: list[bytes] = []
    for start in range(0, count, BLOCK):
        quiets, events = [], []
        for first in range(start, min(start + BLOCK, count), CHUNK):
            partition = first // CHUNK % len(held)
            some = values[first : first + CHUNK]
            records = [_Record(first + n, now, value) for n, value in enumerate(some)]
            chunk = Chunk(TP(TOPIC, partition), records, first + len(some))
            out = decide_chunk(bulk, chunk, held[partition], now)
            events += out.events
            if out.quiet is not None:
                quiets.append(out.quiet)
        made.append(b"".join(events_block(quiets, events)))
    return made


async def main() -> None:
    count = int(sys.argv[1])
    made = blocks(load_profile(Settings().profile), count)
    line = StoreLine(store_address(Settings()), "bench")
    claims = Claims(line)
    await claims.claim([TP(TOPIC, n) for n in range(BY_NAME[TOPIC].partitions)])
    meter = Meter(count)
    meter.begin()
    for body in made:
        settings = {"insert_deduplication_token": uuid.uuid4().hex}

        def send(client: Any, body: bytes = body, settings: dict[str, str] = settings) -> None:
            send_as_writer(
                client, "events", EVENT_COLUMNS, STRUCTURE, (body,), claims.writer, settings
            )

        await line.work(send)
        meter.took(min(BLOCK, count))
    raise RuntimeError("fewer rows than records")


if __name__ == "__main__":
    asyncio.run(main())
