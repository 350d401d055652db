"""Deciding in bulk: the signals that open no case, which are nearly all of them, as columns.

``Decider.decide`` has the last word on what a signal means. What it says of one reading it says of
every reading of the same word (object, status, source …) within the same limits, from whatever
device: so it is asked once a word, and the answer is kept as a ``Say``. What may open a case, end
one, or be wrong in any way is left to it, one by one. tests/decide/test_quiet_signals.py holds the
two to each other.

A normal state ends an alarm, but devices repeat it for ever: the first one of a device goes to the
cases, and again the first after anything of it that is not quiet; the others are recorded. After a
partition has moved, or a record that only the models can read, every device's next one is a first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from hashlib import sha1
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from schemas.event import Event
from schemas.ids import NAMESPACE
from schemas.raw import RAW_MODELS, Signal
from streams.core.decide import NEWEST_MS, OLDEST_MS, Decider, Position
from streams.core.locate import FOREVER, Located
from streams.core.quick import REFUSED, quick_models
from streams.core.recent import place_of
from streams.core.signals import Sign
from streams.core.stamps import Stamps

NO_STAMP = -(1 << 62)
CLOCKS = ("", "missing", "past", "future")
QUIET = frozenset(("recorded", "suppressed"))  # dispositions that send nothing to a case
STATES = frozenset(("fire.normal",))  # all-clears that are states, not acts: devices repeat them
LARGEST = sys.float_info.max
_WORDS = 8192  # remembered; a few dozen in practice, noise must not grow them


class Family(NamedTuple):
    """What of a signal says something, and where its reading stands."""

    says: tuple[str, ...]
    value: str = ""


FAMILIES: dict[str, Family] = {
    "raw.gate":        Family(("event",), "count"),
    "raw.fire":        Family(("part", "status", "component_type", "analog_type"), "value"),
    "raw.lift":        Family(("event",)),
    "raw.high_rise":   Family(("event",)),
    "raw.video":       Family(("method", "type", "priority"), "value"),
    "raw.environment": Family(("event", "unit"), "value"),
}  # fmt: skip
_SENDER = ("source", "test", "simulated")


class Say:
    """What all readings of one word share. ``like``: an event that says so; only its place in
    Kafka, its ids, times and value, and its device are another's."""

    __slots__ = ("digest", "high", "like", "low", "scale", "state")

    def __init__(self, like: Event, scale: float, low: float, high: float) -> None:
        self.state = like.disposition == "clear"  # quiet when the device has said so before
        self.like = like._replace(disposition="recorded") if self.state else like
        self.scale = scale  # of a reading, in the unit of its limit
        self.low, self.high = low, high  # low <= reading < high
        head = f"event\x1f{like.channel}\x1f{like.source}\x1f"
        self.digest = sha1(NAMESPACE.bytes + head.encode(), usedforsecurity=False)


class Device(NamedTuple):
    device_id: str
    name: str
    where: Located


class Devices(list[Device]):
    """All devices, by number. ``columns``: what whoever stores them has made of them."""

    def __init__(self, devices: Iterable[Device] = ()) -> None:
        super().__init__(devices)
        self.columns: dict[str, tuple[list[Any], NDArray[np.int64]]] = {}


class Quiet:
    """Columns of the quiet signals of one chunk, in offset order; times in epoch milliseconds."""

    __slots__ = (
        "device_ms", "devices", "digests", "ingest_ms", "offsets", "partition", "says",
        "source_ids", "table", "topic", "values",
    )  # fmt: skip

    def __init__(
        self, topic: str, partition: int, offsets: NDArray[np.int64], ingest_ms: NDArray[np.int64],
        says: list[Say], table: Devices, devices: NDArray[np.int64],
        source_ids: list[str], device_ms: NDArray[np.int64], values: NDArray[np.float64],
        digests: NDArray[np.uint8],
    ) -> None:  # fmt: skip
        self.topic, self.partition = topic, partition
        self.offsets, self.ingest_ms = offsets, ingest_ms
        self.says, self.source_ids = says, source_ids
        self.table, self.devices = table, devices  # all there are, and which of them
        self.device_ms, self.values = device_ms, values  # device_ms: NO_STAMP without one
        self.digests = digests  # (n, 16): the bytes of the event ids

    def __len__(self) -> int:
        return len(self.source_ids)

    def keys(self) -> list[int]:
        """``recent_key`` of each."""
        found: list[int] = np.ascontiguousarray(self.digests[:, 8:]).view(">u8")[:, 0].tolist()
        return found

    def places(self) -> list[int]:
        found: list[int] = (self.offsets * place_of(1, 0)).tolist()
        return found

    def times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``occurred_ms``, and which of CLOCKS says why it is not the device's."""
        past = self.device_ms < self.ingest_ms - OLDEST_MS
        future = self.device_ms > self.ingest_ms + NEWEST_MS
        clock = np.where(past, 2, np.where(future, 3, 0))
        clock[self.device_ms == NO_STAMP] = 1
        return np.where(clock == 0, self.device_ms, self.ingest_ms), clock

    def only(self, wanted: Sequence[int]) -> Quiet:
        """Some of the rows, by index."""
        n = np.asarray(wanted, np.int64)
        return Quiet(
            self.topic, self.partition, self.offsets[n], self.ingest_ms[n],
            [self.says[i] for i in wanted], self.table, self.devices[n],
            [self.source_ids[i] for i in wanted], self.device_ms[n], self.values[n],
            self.digests[n],
        )  # fmt: skip

    def event_id(self, n: int) -> str:
        h = self.digests[n].tobytes().hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def events(self) -> list[Event]:
        """The same as events, one by one."""
        occurred, clock = self.times()
        found: list[Event] = []
        for n, say in enumerate(self.says):
            device = self.table[int(self.devices[n])]
            site, stamp = device.where.site, int(self.device_ms[n])
            found.append(say.like._replace(
                topic=self.topic, partition=self.partition, offset=int(self.offsets[n]), part=0,
                event_id=self.event_id(n), source_id=self.source_ids[n],
                occurred_ms=int(occurred[n]), device_ms=0 if stamp == NO_STAMP else stamp,
                ingest_ms=int(self.ingest_ms[n]), clock=CLOCKS[clock[n]],
                device_id=device.device_id, value=float(self.values[n]), text=device.name,
                county=site.county, town=site.town, village=site.village, grid=site.grid,
                building=device.where.building, lon=device.where.lon, lat=device.where.lat,
                located_by=device.where.by, location_confidence=device.where.confidence,
            ))  # fmt: skip
        return found


class Bulk:
    """A decider's bulk form. ``quiet`` takes what it can; the rest is the decider's."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self._read = quick_models(RAW_MODELS)
        self._word = {t: attrgetter(*f.says, *_SENDER) for t, f in FAMILIES.items()}
        self._says: dict[str, dict[Any, Say | None]] = {topic: {} for topic in FAMILIES}
        self._stamps = Stamps()
        self._table = Devices(
            Device(device.device_id, device.name, where)
            for device in decider.profile.devices.values()
            if (where := decider.locator.of_device(device.device_id, 0)) is not None
            and where.site.until_ms == FOREVER  # a place that moves is looked up each time
        )
        self._devices = {device.device_id: n for n, device in enumerate(self._table)}

    def quiet(
        self, topic: str, partition: int, values: Sequence[bytes | None],
        offsets: Sequence[int], ingest_ms: Sequence[int], calm: set[int],
    ) -> tuple[Quiet, list[int]]:  # fmt: skip
        """Columns of the quiet ones among the records of one partition, and the indices of all
        others. ``calm``: numbers of devices whose last word was a normal state; kept up. Pure but
        for what it remembers; never raises for what a record holds."""
        read, word, says = self._read[topic], self._word[topic], self._says[topic]
        family, knows = FAMILIES[topic], self.decider.locator.knows
        reading = attrgetter(family.value) if family.value else _nothing
        devices, remembered, stamp = self._devices, self._stamps.known.get, self._stamps.read
        taken: list[int] = []
        others: list[int] = []
        said: list[Say] = []
        where: list[int] = []
        source_ids: list[str] = []
        stamps: list[int] = []
        found: list[float] = []
        digests: list[bytes] = []
        for n, value in enumerate(values):
            try:
                signal = read(value)  # type: ignore[arg-type]
            except REFUSED:
                others.append(n)
                calm.clear()  # whosever it is
                continue
            device = devices.get(signal.device_id)
            if device is None:
                others.append(n)
                continue
            key = word(signal)
            say = says.get(key)
            if say is None and key not in says:
                say = self._learn(topic, key, value, offsets[n])
            text = signal.occurred_at
            stamped = remembered(text) if text else NO_STAMP
            if stamped is None:
                stamped = stamp(text)
            if say is None or stamped is None or (signal.area_code and not knows(signal.area_code)):
                others.append(n)
                calm.discard(device)
                continue
            measured = reading(signal) * say.scale
            if not say.low <= measured < say.high:
                others.append(n)
                calm.discard(device)
                continue
            if say.state and device not in calm:
                others.append(n)
                calm.add(device)
                continue
            name: str = signal.id
            digest = say.digest.copy()
            digest.update(name.encode())
            digests.append(digest.digest())
            taken.append(n)
            said.append(say)
            where.append(device)
            source_ids.append(name)
            stamps.append(stamped)
            found.append(measured)
        places, times = np.array(offsets, np.int64), np.array(ingest_ms, np.int64)
        if others:
            places, times = places[taken], times[taken]
        return Quiet(
            topic, partition, places, times, said, self._table, np.array(where, np.int64),
            source_ids, np.array(stamps, np.int64), np.array(found, np.float64), _uuids(digests),
        ), others  # fmt: skip

    def _learn(self, topic: str, key: Any, value: bytes | None, offset: int) -> Say | None:
        """What the decider says of a word, if it is quiet. Not remembered for a reading beyond
        its limits: the next one may be within."""
        says = self._says[topic]
        if len(says) >= _WORDS:
            says.clear()
        try:
            raw: Any = RAW_MODELS[topic].model_validate_json(value or b"")
        except ValidationError:
            return None
        signs = self.decider.signals.read(raw)
        if isinstance(signs, tuple) and len(signs) == 1 and not signs[0].doubt:
            low, high = self._limits(signs[0])
            reading = FAMILIES[topic].value
            if (scale := self._scale(raw, reading, signs[0])) is not None:
                if not low <= (getattr(raw, reading) if reading else 0.0) * scale < high:
                    return None
                event = self.decider.decide(raw, Position(topic, 0, offset, 0, 0))
                if isinstance(event, list) and (
                    event[0].disposition in QUIET
                    or (event[0].disposition == "clear" and event[0].event_code in STATES)
                ):
                    says[key] = Say(event[0], scale, low, high)
                    return says[key]
        says[key] = None
        return None

    def _limits(self, sign: Sign) -> tuple[float, float]:
        limit = self.decider.signals.limits.get(sign.row.event_code)
        if limit is None or sign.row.semantics != "threshold" or not limit.steps:
            return -LARGEST, float("inf")
        edges = [edge for edge, _ in limit.steps]
        return (-LARGEST, min(edges)) if limit.side == "high" else (max(edges), float("inf"))

    def _scale(self, raw: Signal, reading: str, sign: Sign) -> float | None:
        """What a reading is multiplied with. None when other readings say something else."""
        if not reading:
            return 0.0
        factors = []
        for value in (0, 1):
            signs = self.decider.signals.read(raw.model_copy(update={reading: value}))
            if not isinstance(signs, tuple) or len(signs) != 1 or signs[0].row is not sign.row:
                return None
            factors.append(signs[0].value)
        return factors[1] - factors[0]


def _nothing(_signal: Any) -> float:
    return 0.0


def _uuids(digests: list[bytes]) -> NDArray[np.uint8]:
    """SHA-1 digests → the 16 bytes of the UUIDs of version 5."""
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 20)[:, :16].copy()
    table[:, 6] = table[:, 6] & 0x0F | 0x50
    table[:, 8] = table[:, 8] & 0x3F | 0x80
    return table
