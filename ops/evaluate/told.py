"""Incidents written by hand, as people and devices tell of them, for judging merging and fusion.

A row of a file is one report: ``incident`` (rows with the same one belong together, "-" stands
alone), ``site`` (an estate's number, its building behind a slash), ``time`` (day/HH:MM),
``channel``, ``how`` the place is given, ``who`` (a caller's letter) and ``text``. Sites are estates of the
profile, so names and places are its own; nothing here comes from the simulator's texts.
"""

# ruff: noqa: E501  (tables, aligned to be read)
from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from schemas.ids import SHANGHAI
from schemas.profile import Device, Place, Profile
from schemas.raw import RAW_MODELS, TOPIC_OF, epoch_ms

DAY = date(2026, 11, 16)
SOURCE = "evaluation"
CHANNELS = {
    "45": "hotline_12345", "19": "hotline_12319", "110": "police_110", "app": "mini_app",
    "grid": "grid_app", "desk": "watch_desk", "pet": "petition",
}  # fmt: skip
_SMOKE = {"part": "component", "status": 3, "component_type": 42, "loop": 1, "address": 7}
# fmt: off
#: what a device says: kind of device, channel, body
SIGNALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "smoke":        ("smoke", "fire_iot", _SMOKE),
    "smoke2":       ("smoke", "fire_iot", _SMOKE),
    "call_point":   ("call_point", "fire_iot", _SMOKE | {"component_type": 23}),
    "host":         ("fire_host", "fire_iot", {"part": "system", "status": 3}),
    "gas":          ("gas_detector", "fire_iot", _SMOKE | {"component_type": 10}),
    "station_gas":  ("gas", "env_iot", {"event": "gas", "value": 31.0, "unit": "%LEL"}),
    "lift.trapped": ("lift", "lift_iot", {"event": "trapped", "floor": 8}),
    "lift.button":  ("lift", "lift_iot", {"event": "alarm_button", "floor": 8}),
    "lift.door":    ("lift", "lift_iot", {"event": "door_fault", "floor": 3}),
    "lift.out":     ("lift", "lift_iot", {"event": "out_of_service", "floor": 1}),
    "ebike":        ("lift", "lift_iot", {"event": "ebike_in", "floor": 1}),
    "falling":      ("facade_camera", "hat_camera", {"event": "falling_object", "start_floor": 11, "confidence": 0.9}),
    "manhole":      ("manhole", "env_iot", {"event": "tilt", "value": 38.0, "unit": "°"}),
    "water":        ("water_level", "env_iot", {"event": "level_threshold", "value": 0.31, "unit": "m"}),
    "camera":       ("camera", "video_ai", {"method": 5, "type": 1, "priority": 1}),
    "sos":          ("sos_button", "env_iot", {"event": "sos", "value": 1.0}),
}
# fmt: on


class Site(NamedTuple):
    """An estate with what stands around it."""

    estate: Place
    buildings: tuple[Place, ...]
    road: str
    landmark: Place


class Told(NamedTuple):
    """One report: its incident ("" = alone), its channel and the body of its raw model."""

    incident: str
    topic: str
    at_ms: int
    body: dict[str, Any]


def sites(profile: Profile) -> tuple[Site, ...]:
    """Estates with at least six buildings, detectors and lifts, one a village, in the order of
    their codes; the same for the same profile."""
    places = list(profile.places.values())
    buildings: dict[str, list[Place]] = {}
    for place in places:
        if place.kind == "building":
            buildings.setdefault(place.parent, []).append(place)
    names = [p.name for p in places if p.kind == "estate"]
    kinds: dict[str, set[str]] = {}
    for device in profile.devices.values():
        kinds.setdefault(device.building, set()).add(device.kind)
    found: dict[str, Site] = {}
    for place in sorted(places, key=lambda p: p.place_id):
        own = sorted(buildings.get(place.place_id, []), key=lambda b: b.place_id)
        village = place.grid[:12]
        if place.kind != "estate" or len(own) < 6 or names.count(place.name) > 1:
            continue
        if village in found or not all(
            {"smoke", "lift"} <= kinds.get(b.place_id, set()) for b in own[:6]
        ):
            continue
        town = place.grid[:9]
        road = next((p for p in places if p.kind == "road" and p.grid[:12] == village
                     and p.number_from is not None), None)  # fmt: skip
        landmark = next((p for p in places if p.kind == "landmark" and p.grid[:9] == town), None)
        if road is not None and landmark is not None:
            found[village] = Site(place, tuple(own), f"{road.name}{road.number_from}号", landmark)
    return tuple(found[village] for village in sorted(found))


def told(profile: Profile, file: Path, skip: int = 0) -> list[Told]:
    """Reports of a file in order of time. ``skip``: sites of the profile to leave out, so that two
    files need not share theirs. ValueError names a row that cannot be placed."""
    rng, known, numbers = Random(file.name), sites(profile)[skip:], count()
    found: list[Told] = []
    with file.open(encoding="utf-8", newline="") as rows:
        for line, row in enumerate(csv.DictReader(rows, delimiter="\t"), 2):
            try:
                found.append(_told(row, known, profile, rng, next(numbers)))
            except (LookupError, StopIteration, ValueError) as error:
                raise ValueError(f"{file.name}:{line}: {error!r} in {row}") from error
    return sorted(found, key=lambda t: t.at_ms)


def _told(
    row: dict[str, str], known: tuple[Site, ...], profile: Profile, rng: Random, number: int
) -> Told:
    place, _, block = row["site"].partition("/")
    site = known[int(place) - 1]
    building = site.buildings[int(block) - 1] if block else None
    day, _, clock = row["time"].rpartition("/")
    at = datetime.strptime(f"{DAY} {clock}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
    at += timedelta(days=int(day or 0), seconds=rng.randrange(60))
    body: dict[str, Any] = {"id": f"e{number}", "source": SOURCE, "occurred_at": at.isoformat()}
    incident = "" if row["incident"] == "-" else row["incident"]
    if row["channel"] == "dev":
        kind, channel, signal = SIGNALS[row["how"]]
        device = _device(profile, site, building, kind, second=row["how"][-1] == "2")
        body |= {"channel": channel, "device_id": device.device_id, **signal}
    else:
        channel = CHANNELS[row["channel"]]
        body |= {"channel": channel, "text": _filled(row["text"], site, building, profile)}
        body |= _given(row["how"], site, building, profile, rng)
        if row["who"]:
            body["reporter"] = f"caller{row['who']}"
    topic = TOPIC_OF[channel]
    RAW_MODELS[topic].model_validate(body)
    return Told(incident, topic, epoch_ms(at), body)


def _device(
    profile: Profile, site: Site, building: Place | None, kind: str, *, second: bool
) -> Device:
    """The device of a kind in the building, or the one nearest to the estate in its village."""
    near = building or site.estate
    fitting = [d for d in profile.devices.values()
               if d.kind == kind and d.grid[:12] == site.estate.grid[:12]]  # fmt: skip
    if building is not None:
        fitting = [d for d in fitting if d.building == building.place_id] or fitting
    fitting.sort(key=lambda d: (abs(d.lon - near.lon) + abs(d.lat - near.lat), d.device_id))
    return fitting[1 if second else 0]


def _filled(text: str, site: Site, building: Place | None, profile: Profile) -> str:
    number = building.name.removeprefix(site.estate.name).rstrip("栋") if building else ""
    estate = site.estate.name
    village = profile.areas[site.estate.grid[:12]].name
    words = {
        "{栋}": f"{estate}{number}栋", "{号楼}": f"{estate}{number}号楼", "{n}": number,
        "{区}": estate, "{社}": village, "{路}": site.road, "{标}": site.landmark.name,
    }  # fmt: skip
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _given(
    how: str, site: Site, building: Place | None, profile: Profile, rng: Random
) -> dict[str, Any]:
    """Fields by which a report gives its place beside its words."""
    here = building or site.estate
    estate, number = site.estate.name, ""
    if building is not None:
        number = building.name.removeprefix(estate).rstrip("栋")
    match how:
        case "said" | "none":
            return {}
        case "addr":
            return {"address": f"{estate}{number}栋" if number else estate}
        case "addrlm":
            return {"address": site.landmark.name}
        case "grid":
            return {"area_code": here.grid}
        case "village":
            return {"area_code": here.grid[:12]}
        case "gps":
            return _near(here.lon, here.lat, rng)
        case "gpslm":
            return _near(site.landmark.lon, site.landmark.lat, rng)
    if how.startswith("gps:"):  # beside a device of the kind
        device = _device(profile, site, building, how[4:], second=False)
        return _near(device.lon, device.lat, rng)
    if how.startswith("grid:"):
        return {"area_code": _device(profile, site, building, how[5:], second=False).grid}
    raise ValueError(how)


def _near(lon: float, lat: float, rng: Random) -> dict[str, float]:
    """Up to 50 m off."""
    return {
        "lon": round(lon + rng.uniform(-3.5e-4, 3.5e-4), 6),
        "lat": round(lat + rng.uniform(-3e-4, 3e-4), 6),
    }
