"""Records for benchmarks: what devices of the default profile send, seeded and repeatable."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

from schemas.ids import SHANGHAI
from schemas.profile import Profile

CHANNELS = 1_037  # of fire devices: what a district of some 300,000 people has
CALM = (
    {"part": "analog", "analog_type": 3},
    {"part": "analog", "analog_type": 6},
    {"part": "system", "status": 1},
    {"part": "component", "status": 1},
    {"part": "operation", "status": 1 << 1},
)


def calm(profile: Profile, count: int, seed: int = 1) -> Iterator[bytes]:
    """Messages of a district's fire devices that open no case: readings, normal states, silencing.
    Stamped within the last minute and a half, readings to the millisecond."""
    random = Random(seed)
    now = time.time()
    devices = [d.device_id for d in profile.devices.values() if d.channel == "fire_iot"]
    devices = random.sample(devices, min(CHANNELS, len(devices)))
    for n in range(count):
        body: dict[str, Any] = {
            "channel": "fire_iot", "id": f"b{seed}-{n}", "source": "bench",
            "device_id": random.choice(devices),
            "occurred_at": datetime.fromtimestamp(now - random.uniform(0, 90), SHANGHAI).isoformat(
                timespec="seconds" if n % len(CALM) else "milliseconds"
            ),
            "loop": random.randrange(200), "address": random.randrange(250),
            "simulated": True,
        }  # fmt: skip
        body |= CALM[n % len(CALM)]
        if "analog_type" in body:
            body["value"] = round(random.uniform(15, 24), 1)
        yield json.dumps(body, ensure_ascii=False).encode()


def alarms(profile: Profile, seed: int = 2) -> Iterator[tuple[str, bytes]]:
    """Fire alarms, each from another grid, so that none joins the case of another: the source's
    own id and the record. Ends when the profile has no more grids with fire devices."""
    random = Random(seed)
    by_grid = {d.grid: d.device_id for d in profile.devices.values() if d.channel == "fire_iot"}
    grids = sorted(by_grid)
    random.shuffle(grids)
    for n, grid in enumerate(grids):
        name = f"alarm{seed}-{n}"
        body = {
            "channel": "fire_iot", "id": name, "source": "bench", "device_id": by_grid[grid],
            "part": "system", "status": 3, "simulated": True,
        }  # fmt: skip
        yield name, json.dumps(body).encode()
