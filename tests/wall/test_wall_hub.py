"""One frame for many screens; a slow screen gets a fresh snapshot and holds up nobody."""

import asyncio
import json

from ops.wall.hub import QUEUE, Hub, Place, encode


def hub(**more):
    return Hub("epoch", "test", **more)


def fresh():
    return encode("snapshot", {"fresh": True}, "epoch-0")


def parts(frame: bytes):
    """(id, event, data) of a frame; the retry line before a first frame is left out."""
    lines = [line for line in frame.decode().split("\n") if line and not line.startswith("retry")]
    found = dict(line.split(": ", 1) for line in lines)
    return found.get("id", ""), found.get("event", ""), json.loads(found.get("data", "null"))


async def opened(hub, *options, **more):
    """A stream whose first frame has been read."""
    stream = hub.stream(fresh, *options, **more)
    return stream, await anext(stream)


def test_every_screen_gets_the_same_bytes():
    async def story():
        it = hub()
        streams = [await opened(it) for _ in range(3)]
        assert it.watchers == 3
        it.publish("tick", {"n": 1})
        frames = [await anext(s) for s, _ in streams]
        assert len({id(f) for f in frames}) == 1
        assert parts(frames[0]) == ("epoch-1", "tick", {"n": 1})

    asyncio.run(story())


def test_a_stream_starts_with_a_snapshot_and_a_retry_time():
    async def story():
        _, first = await opened(hub())
        assert first.startswith(b"retry: 2000\n\n")
        assert parts(first)[1:] == ("snapshot", {"fresh": True})

    asyncio.run(story())


def test_a_slow_screen_gets_a_snapshot_and_the_others_miss_nothing():
    async def story():
        it = hub()
        slow, _ = await opened(it)
        quick, _ = await opened(it)
        seen = []
        for n in range(QUEUE + 1):
            it.publish("tick", {"n": n})
            seen.append(parts(await anext(quick))[2]["n"])
        assert seen == list(range(QUEUE + 1))
        assert parts(await anext(slow))[1] == "snapshot"
        it.publish("tick", {"n": "after"})
        assert parts(await anext(slow))[2] == {"n": "after"}

    asyncio.run(story())


def test_a_screen_that_comes_back_gets_what_it_missed():
    async def story():
        it = hub()
        for n in range(4):
            it.publish("tick", {"n": n})
        _, first = await opened(it, "epoch-2")
        frames = [f for f in first.decode().split("\n\n") if "event" in f]
        assert [parts(f.encode())[2]["n"] for f in frames] == [2, 3]

    asyncio.run(story())


def test_what_is_no_longer_kept_or_of_another_process_is_answered_with_a_snapshot():
    async def story():
        it = hub(remember=2)
        for n in range(6):
            it.publish("tick", {"n": n})
        for last in ("epoch-1", "another-5", "epoch-99", "epoch-", "nonsense"):
            _, first = await opened(it, last)
            assert parts(first)[1] == "snapshot", last
        _, up_to_date = await opened(it, "epoch-6", ping=0.01)
        assert up_to_date == b"retry: 2000\n\n"

    asyncio.run(story())


def test_frames_go_only_to_those_who_may_see_them():
    async def story():
        it = hub(remember=8)
        mine, _ = await opened(it, keep=lambda place: place.village.startswith("990101"))
        it.publish("alert", 1, Place("990102001001"))
        it.publish("alert", 2, Place("990101001001"))
        assert parts(await anext(mine))[2] == 2
        _, again = await opened(it, "epoch-0", keep=lambda place: place.village == "990102001001")
        assert parts(again)[2] == 1

    asyncio.run(story())


def test_a_quiet_stream_pings():
    async def story():
        stream, _ = await opened(hub(), ping=0.01)
        assert await anext(stream) == b": ping\n\n"

    asyncio.run(story())


def test_closing_ends_every_stream_and_lets_no_new_one_in():
    async def story():
        it = hub()
        stream, _ = await opened(it)
        it.publish("tick", {})
        it.close()
        assert parts(await anext(stream))[1] == "bye"
        assert [f async for f in stream] == []
        assert [f async for f in it.stream(fresh)] == []
        assert it.watchers == 0

    asyncio.run(story())


def test_a_screen_that_leaves_is_forgotten():
    async def story():
        it = hub()
        stream, _ = await opened(it)
        await stream.aclose()
        assert it.watchers == 0

    asyncio.run(story())
