"""The profile's devices, found by kind, building, zone and neighbourhood."""

from __future__ import annotations

from random import Random

from schemas.profile import Device, Profile


class Fleet:
    def __init__(self, profile: Profile) -> None:
        self.all: tuple[Device, ...] = tuple(profile.devices.values())
        self._of: dict[tuple[str, str], list[Device]] = {}
        self._in_grid: dict[tuple[str, str], list[Device]] = {}
        zones: dict[tuple[str, str], list[Device]] = {}
        for device in self.all:
            self._of.setdefault((device.channel, device.kind), []).append(device)
            self._of.setdefault((device.channel, ""), []).append(device)
            self._in_grid.setdefault((device.kind, device.grid), []).append(device)
            if device.kind == "smoke" and device.building:
                zones.setdefault((device.building, device.zone), []).append(device)
        #: smoke detectors that share a zone of a building, two at least
        self.zones: tuple[tuple[Device, ...], ...] = tuple(
            tuple(devices) for devices in zones.values() if len(devices) > 1
        )

    def of(self, channel: str, kinds: tuple[str, ...] = ()) -> list[Device]:
        """Devices of these kinds of a channel; () = all of the channel."""
        return [d for kind in kinds or ("",) for d in self._of.get((channel, kind), ())]

    def beside(self, rng: Random, device: Device, kind: str) -> Device | None:
        """A device of the kind in the same building, else grid, else the same community."""
        near = self._in_grid.get((kind, device.grid), [])
        if device.building:
            near = [d for d in near if d.building == device.building] or near
        if not near:
            village = device.grid[:12]
            near = [d for d in self._of.get((device.channel, kind), ()) if d.grid[:12] == village]
        return rng.choice(near) if near else None

    def in_building(self, building: str) -> list[Device]:
        return [d for d in self.all if d.building and d.building == building]

    def nearest(self, device: Device, kind: str) -> Device | None:
        """The nearest device of the kind in the same community."""
        village = device.grid[:12]
        near = [d for d in self.all if d.kind == kind and d.grid.startswith(village)]
        return min(
            near,
            key=lambda d: ((d.lon - device.lon) ** 2 + (d.lat - device.lat) ** 2, d.device_id),
            default=None,
        )

    def in_area(self, kind: str, area: str) -> list[Device]:
        return [d for d in self.all if d.kind == kind and d.grid.startswith(area)]
