"""Devices repeat that all is well; a case hears of it once, and never too seldom."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.decide import Decider
from streams.core.quiet import Bulk

NOW = 1_795_305_600_000
NORMAL, FIRE, FAULT, TEST = 1, 0b11, 0b101, 0
DEVICES = 3
#: device, what it says; "?" is readable by the models alone
said = st.tuples(st.integers(0, DEVICES - 1), st.sampled_from([NORMAL, FIRE, FAULT, TEST, "?"]))


def record(device: str, what: object, n: int) -> bytes:
    body = {"id": f"e{n}", "source": "s", "channel": "fire_iot", "device_id": device,
            "part": "system", "status": FIRE if what == "?" else what}  # fmt: skip
    return json.dumps(body | {"a field of its own": 1} if what == "?" else body).encode()


@pytest.fixture(scope="module")
def bulk(decider: Decider) -> Bulk:
    return Bulk(decider)


@settings(deadline=None)
@given(story=st.lists(said, max_size=40), cut=st.integers(1, 7))
def test_the_first_normal_state_after_anything_else_goes_on(
    bulk: Bulk, story: list[tuple[int, object]], cut: int
) -> None:
    names = [d.device_id for d in bulk.decider.profile.devices.values() if d.channel == "fire_iot"][
        :DEVICES
    ]
    calm: set[int] = set()
    heard: list[int] = []  # records that go on to the decider
    for start in range(0, len(story), cut):
        part = story[start : start + cut]
        records = [record(names[d], what, start + n) for n, (d, what) in enumerate(part)]
        places = range(start, start + len(part))
        _, others = bulk.quiet("raw.fire", 0, records, places, [NOW] * len(part), calm)
        heard += [start + n for n in others]
    settled: set[int] = set()
    wanted: list[int] = []
    for n, (device, what) in enumerate(story):
        if what == "?":
            settled.clear()  # whose it is, the quick reader cannot tell
        elif what in (FIRE, FAULT):
            settled.discard(device)
        elif what == NORMAL and device not in settled:
            settled.add(device)
        else:  # a repeated normal state, or a test
            continue
        wanted.append(n)
    assert heard == wanted
