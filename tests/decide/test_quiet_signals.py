"""What is read quickly and decided in bulk says what the models and the decider say one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.event import Event
from schemas.raw import RAW_MODELS, TOPIC_OF, Stamp, epoch_ms
from streams.core.decide import Decider, Position
from streams.core.quick import REFUSED, quick_models
from streams.core.quiet import FAMILIES, STATES, Bulk
from streams.core.reading import Invalid, read_slice
from streams.core.recent import RecentIds, place_of, recent_key
from streams.core.stamps import Stamps

READERS = quick_models(RAW_MODELS)
CHANNEL = {topic: channel for channel, topic in TOPIC_OF.items() if topic in FAMILIES}
NOW = 1_795_305_600_000

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6),
    st.sampled_from(["", "0", "1", "1.0", "true", "990101001001", "1234\n", "\u0661234"]),
    st.sampled_from(["x" * 64, "x" * 65, "x" * 128, "x" * 129]),
    st.sampled_from([0, 1, -1, 255, 256, 65535, 65536, 2**63, 2**64, 10**400, 1e308, 5e-324]),
)  # fmt: skip
names = {
    "raw.gate": ["DoorForcedOpen", "DoorOpenTooLong", "DoorFault", "PassCount", "Nonsense"],
    "raw.lift": ["trapped", "door_fault", "power_off", "ebike_in", "ebike_out"],
    "raw.high_rise": ["falling_object"],
    "raw.environment": ["tilt", "level_threshold", "accumulated", "gas", "offline", "battery_low"],
}


def values(topic: str, field: str) -> st.SearchStrategy[Any]:
    """Values a sender of the topic would use, for fields where chance would never find them."""
    known: dict[str, st.SearchStrategy[Any]] = {
        "event": st.sampled_from(names.get(topic, ["x"])),
        "part": st.sampled_from(["system", "component", "operation", "user_device", "analog"]),
        "status": st.integers(0, 255), "component_type": st.integers(0, 50),
        "analog_type": st.integers(0, 10), "method": st.integers(1, 7), "type": st.integers(0, 12),
        "priority": st.integers(1, 4), "count": st.integers(0, 9),
        "value": st.one_of(st.floats(-100, 100), st.sampled_from([0, 0.0, -0.0, 0.15, 0.4, 70])),
        "unit": st.sampled_from(["", "m", "cm", "mm", "%LEL", "LEL", "kPa"]),
        "area_code": st.sampled_from(["", "990101001001", "990101", "888888"]),
        "occurred_at": st.one_of(st.none(), st.just(""), stamps),
    }  # fmt: skip
    return known.get(field, scalars)


ZONES = [None, UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]
stamps = st.one_of(
    st.builds(
        lambda ms, zone, spec: datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec=spec),
        st.integers(800_000_000_000, NOW + 10**11), st.sampled_from(ZONES),
        st.sampled_from(["seconds", "milliseconds", "auto"]),
    ),
    st.sampled_from(["2026-11-22T08:00:07Z", "2026-11-22 08:00:07", "2026-11-22T08:00", "20261122",
                     "2026-11-22T08:00:60Z", "2026-13-22T08:00:00Z", "2026-11-22T08:00:07.12+08:00",
                     "2026-11-22T08:00:07+0800", "-026-11-22T08:00:07Z", "1795305607", "x"]),
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, topic: str, device: st.SearchStrategy[Any]) -> bytes:
    model = RAW_MODELS[topic]
    body: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        if name in ("id", "source", "device_id", "channel"):
            usual = {"id": st.text("ab1-", min_size=1, max_size=3), "source": st.just("s"),
                     "device_id": device, "channel": st.just(CHANNEL[topic])}[name]  # fmt: skip
            odd = draw(st.integers(0, 19)) == 0
            body.append((name, draw(scalars if odd else usual)))
        elif field.is_required() or draw(st.booleans()):
            odd = draw(st.integers(0, 9)) == 0
            body.append((name, draw(scalars if odd else values(topic, name))))
    if draw(st.integers(0, 9)) == 0:
        body.append(("more", draw(scalars)))
    if draw(st.integers(0, 9)) == 0 and body:
        body.append(draw(st.sampled_from(body)))  # the same name twice
    words = (f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=draw(st.booleans()))}" for k, v in body)
    text = "{" + ",".join(words) + "}"
    return text.encode(errors="surrogatepass")


@pytest.mark.parametrize("topic", FAMILIES)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_the_quick_reader_takes_the_model_takes_alike(topic: str, data: st.DataObject) -> None:
    value = data.draw(bodies(topic, st.text(max_size=3)))
    try:
        quick = READERS[topic](value)
    except REFUSED:
        return
    if quick.occurred_at and Stamps().read(quick.occurred_at) is None:
        return  # left to the model, see Bulk.quiet
    model = RAW_MODELS[topic].model_validate_json(value)
    for name in RAW_MODELS[topic].model_fields:
        mine, theirs = getattr(quick, name), getattr(model, name)
        if name == "occurred_at":
            assert theirs == TypeAdapter(Stamp).validate_python(mine)
        else:
            assert (mine, type(mine)) == (theirs, type(theirs))


@given(text=stamps)
def test_a_stamp_is_read_as_the_model_reads_it(text: str) -> None:
    found = Stamps().read(text)
    if found is not None:
        assert found == epoch_ms(TypeAdapter(datetime).validate_python(text))


def test_usual_stamps_are_read_quickly() -> None:
    reader = Stamps()
    assert reader.read("2026-11-22T08:00:07+08:00") == 1_795_305_607_000
    assert reader.read("2026-11-22T08:00:07.123+08:00") == 1_795_305_607_123
    assert reader.read("2026-11-22T00:00:07Z") == 1_795_305_607_000
    assert reader.read("2026-11-22T08:00:07") == 1_795_305_607_000  # Shanghai's
    assert reader.read("2026-11-22T08:00:61") is None


def one_by_one(decider: Decider, topic: str, values: list[bytes]) -> list[list[Event] | Invalid]:
    found: list[list[Event] | Invalid] = []
    for n, read in enumerate(read_slice(topic, values)):
        assert not isinstance(read, list)
        at = Position(topic, 3, 100 + n, 0, NOW + n)
        found.append(read if isinstance(read, Invalid) else decider.decide(read, at))
    return found


@pytest.fixture(scope="module")
def bulk(small_decider: Decider) -> Bulk:
    return Bulk(small_decider)


@pytest.mark.parametrize("topic", FAMILIES)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_bulk_says_what_the_decider_says(
    topic: str, bulk: Bulk, small_decider: Decider, data: st.DataObject
) -> None:
    """Every quiet row is the one event of its record, and every other record is left over."""
    device = st.sampled_from([*small_decider.profile.devices, "nobody"])
    values = data.draw(st.lists(bodies(topic, device), max_size=12))
    offsets, stamps = [100 + n for n in range(len(values))], [NOW + n for n in range(len(values))]
    calm = set(range(len(small_decider.profile.devices)))
    quiet, others = bulk.quiet(topic, 3, values, offsets, stamps, calm)
    want = one_by_one(small_decider, topic, values)
    mine = {event.offset: event for event in quiet.events()}
    assert sorted([*mine, *(100 + n for n in others)]) == offsets
    for offset, event in mine.items():
        (decided,) = want[offset - 100]
        if decided.disposition == "clear":  # a state that was known
            assert decided.event_code in STATES
            decided = decided._replace(disposition="recorded")
        assert decided == event
    assert quiet.keys() == [recent_key(e.event_id) for e in quiet.events()]
    assert quiet.places() == [place_of(e.offset, 0) for e in quiet.events()]


QUIET = {
    "raw.gate": {"event": "PassCount", "count": 12},
    "raw.fire": {"part": "analog", "analog_type": 3, "value": 21.5},
    "raw.lift": {"event": "trapped", "test": True},
    "raw.video": {"method": 5, "type": 2, "test": True},
    "raw.high_rise": {"test": True},
    "raw.environment": {"event": "level_threshold", "value": 4.0, "unit": "cm"},
}  # fmt: skip


@pytest.mark.parametrize("topic", FAMILIES)
def test_every_family_has_its_quiet_signals(topic: str, bulk: Bulk, small_decider: Decider) -> None:
    device = next(iter(small_decider.profile.devices))
    body = {"id": "a", "source": "s", "device_id": device, "channel": CHANNEL[topic]}
    value = json.dumps(body | QUIET[topic]).encode()
    quiet, others = bulk.quiet(topic, 3, [value], [100], [NOW], set())
    assert others == []
    assert one_by_one(small_decider, topic, [value]) == [quiet.events()]


def test_nearly_all_of_a_shipped_citys_telemetry_is_quiet(decider: Decider) -> None:
    from ops.bench.feed import calm

    records = list(calm(decider.profile, 500))
    bulk, calm_ones = Bulk(decider), set(range(len(decider.profile.devices)))
    quiet, others = bulk.quiet("raw.fire", 0, records, range(500), [NOW] * 500, calm_ones)
    assert (len(quiet), others) == (500, [])
    decided = [
        event
        for n, read in enumerate(read_slice("raw.fire", records))
        for event in decider.decide(read, Position("raw.fire", 0, n, 0, NOW))  # type: ignore[arg-type]
    ]
    assert {e.event_code for e in decided if e.disposition == "clear"} == STATES
    assert quiet.events() == [
        e._replace(disposition="recorded") if e.disposition == "clear" else e for e in decided
    ]


@given(
    names=st.lists(st.integers(0, 12), max_size=60),
    cut=st.integers(1, 9),
    window=st.integers(1, 20),
)  # fmt: skip
@example(names=[0] * 30, cut=4, window=3)
def test_repeats_of_a_run_are_the_same_as_one_by_one(
    names: list[int], cut: int, window: int
) -> None:
    alone, together = RecentIds(window), RecentIds(window)
    places = [place_of(n, 0) for n in range(len(names))]
    want = [p for name, p in zip(names, places, strict=True) if alone._repeated(name, p)]
    found: list[int] = []
    for start in range(0, len(names), cut):
        found += together.repeats(names[start : start + cut], places[start : start + cut])
    assert found == want
