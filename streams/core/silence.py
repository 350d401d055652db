"""Devices that fall silent: which, since when, and which of them together.

What happens on an item: ``heard``; on a wake-up: ``sweep``. A device whose kind has no row in
heartbeats.tsv is never silent; one that was never heard is not silent but unknown. It is the health
of devices, never a matter of the people who live there: no case is opened.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from schemas.profile import Device, Profile


class Silent(NamedTuple):
    """A device and when it was last heard, epoch milliseconds. ``limit_ms``: its row's patience."""

    device: Device
    heard_ms: int
    limit_ms: int
    simulated: bool = False

    @property
    def name(self) -> str:
        """The same for the same silence: it is told once."""
        return f"offline-{self.device.device_id}-{self.heard_ms}"

    @property
    def since_ms(self) -> int:
        """From when on it counts as silent."""
        return self.heard_ms + self.limit_ms


class Together(NamedTuple):
    """Silent devices of one building or grid, enough of them to be one fault (power, gateway)."""

    place: str  # place id of a building, or code of a grid
    devices: tuple[Silent, ...]


class Swept(NamedTuple):
    fell: tuple[Silent, ...]  # since the last sweep
    back: tuple[str, ...]  # ids of devices heard again since then
    silent: tuple[Silent, ...]  # all that are now
    together: tuple[Together, ...]


class Silence:
    """What is known of the heartbeats of a profile's devices: one number a device."""

    def __init__(self, profile: Profile, told: frozenset[str] = frozenset()) -> None:
        self._rows = {kind: row for row in profile.heartbeats for kind in row.kinds}
        self._devices = {
            d.device_id: d for d in profile.devices.values() if d.kind in self._rows
        }  # fmt: skip
        self._heard: dict[str, tuple[int, bool]] = {}
        self._told = set(told)
        self._silent: set[str] = set()

    @property
    def longest_ms(self) -> int:
        """How far back one must read to know."""
        return max((row.silent_minutes for row in self._rows.values()), default=0) * 60_000

    def heard(self, device_id: str, at_ms: int, *, simulated: bool = False) -> None:
        """A device has said something. In any order."""
        if device_id in self._devices:
            before = self._heard.get(device_id, (0, False))
            self._heard[device_id] = max(before, (at_ms, simulated))

    def sweep(self, now_ms: int) -> Swept:
        silent = tuple(
            Silent(self._devices[name], at_ms, limit, simulated)
            for name, (at_ms, simulated) in sorted(self._heard.items())
            if now_ms - at_ms > (limit := self._limit(name))
        )
        fell = tuple(one for one in silent if one.name not in self._told)
        now = {one.device.device_id for one in silent}
        back = tuple(sorted(self._silent - now))
        self._silent = now
        self._told = {one.name for one in silent}
        return Swept(fell, back, silent, self._together(silent))

    def online(self) -> dict[str, tuple[int, int, int]]:
        """Kind → devices heard in time, silent, and never heard, as of the last sweep."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for name, device in self._devices.items():
            state = 2 if name not in self._heard else int(name in self._silent)
            counts[device.kind][state] += 1
        return {kind: (a, b, c) for kind, (a, b, c) in sorted(counts.items())}

    def _limit(self, device_id: str) -> int:
        return self._rows[self._devices[device_id].kind].silent_minutes * 60_000

    def _together(self, silent: tuple[Silent, ...]) -> tuple[Together, ...]:
        places: dict[str, list[Silent]] = defaultdict(list)
        for one in silent:
            places[one.device.building or one.device.grid].append(one)
        return tuple(
            Together(place, tuple(those))
            for place, those in sorted(places.items())
            if len(those) >= min(self._rows[one.device.kind].together for one in those)
        )
