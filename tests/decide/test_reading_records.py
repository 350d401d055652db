"""Bytes in, a report or a reason out; never an exception, never a shift."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.raw import RAW_MODELS, FireSignal, HotlineReport, Raw
from streams.core.reading import MAX_PACKED, MAX_SINGLE, Invalid, read_slice

CALL = {"id": "1", "source": "12345", "channel": "hotline_12345", "text": "路灯不亮"}


def call(**changes: object) -> bytes:
    return json.dumps(CALL | changes, ensure_ascii=False).encode()


def read(value: bytes | None, topic: str = "raw.hotline") -> object:
    (only,) = read_slice(topic, [value])
    return only


def test_a_good_record_is_a_report() -> None:
    report = read(call())
    assert isinstance(report, HotlineReport)
    assert report.text == "路灯不亮"


@pytest.mark.parametrize(
    ("value", "reason", "field", "says"),
    [
        (None,                                   "empty",           "",            "墓碑"),
        (b"",                                    "empty",           "",            "为空"),
        (b" \r\n",                               "empty",           "",            "为空"),
        (b"[]",                                  "empty",           "",            "数组为空"),
        (b"{oops",                               "not_json",        "",            "JSON"),
        (b"{} {}",                               "not_json",        "",            "JSON"),
        (call() + b"," + call(),                 "not_json",        "",            "JSON"),
        (json.dumps(CALL, ensure_ascii=False).encode("gbk"), "not_utf8", "",       "GBK"),
        (json.dumps(CALL).encode("utf-16"),      "not_utf8",        "",            "UTF-8"),
        (b"null",                                "wrong_type",      "",            "JSON 对象"),
        (b'"text"',                              "wrong_type",      "",            "JSON 对象"),
        (b"1,2",                                 "not_json",        "",            "JSON"),
        (call(text=5),                           "wrong_type",      "text",        "实为整数"),
        (call(test="maybe"),                     "wrong_type",      "test",        "true"),
        (call(lon="east"),                       "wrong_type",      "lon",         "数字"),
        (call(lon=float("nan")),                 "bad_value",       "lon",         "NaN"),
        (call(lat=float("inf")),                 "bad_value",       "lat",         "无穷"),
        (call(lon=181),                          "bad_value",       "lon",         "大于 180"),
        (call(channel="wechat"),                 "unknown_channel", "channel",     "wechat"),
        (call(area_code="99"),                   "bad_value",       "area_code",   "格式"),
        (call(occurred_at="昨天"),               "bad_value",       "occurred_at", "时间"),
        (call(occurred_at=[]),                   "wrong_type",      "occurred_at", "时间"),
        (call(id=""),                            "bad_value",       "id",          "不能为空"),
        (call(title="长" * 201),                 "bad_value",       "title",       "200"),
        (b'{"id":"1","source":"s","text":"x"}',  "unknown_channel", "channel",     "channel"),
        (b'{"source":"s","channel":"petition"}', "missing_field",   "id",          "缺少字段 id"),
        (b'{"x":' * 300 + b"1" + b"}" * 300,     "too_deep",        "",            "嵌套"),
        (b"[" * 3000,                            "too_deep",        "",            "嵌套"),
        (call(pad="x" * MAX_SINGLE),             "too_large",       "",            "上限"),
        (b"[" + b" " * MAX_PACKED + b"]",        "too_large",       "",            "上限"),
    ],
)  # fmt: skip
def test_bad_records_say_what_is_wrong(
    value: bytes | None, reason: str, field: str, says: str
) -> None:
    found = read(value)
    assert isinstance(found, Invalid)
    assert (found.reason, found.field) == (reason, field)
    assert says in found.detail


def test_twenty_megabytes_are_refused() -> None:
    found = read(call(text="大" * (7 << 20)))
    assert isinstance(found, Invalid)
    assert found.reason == "too_large"


def test_unknown_device_codes_are_told_from_bad_values() -> None:
    lift = {"id": "1", "source": "s", "device_id": "L1", "event": "on_fire"}
    found = read(json.dumps(lift).encode(), "raw.lift")
    assert isinstance(found, Invalid)
    assert (found.reason, found.field) == ("unknown_code", "event")


def test_a_byte_order_mark_is_forgiven() -> None:
    assert isinstance(read(b"\xef\xbb\xbf" + call()), HotlineReport)


def test_contacts_are_never_echoed() -> None:
    for value in (call(channel="13812345678"), call(occurred_at="13812345678x"), call(text=[138])):
        found = read(value)
        assert isinstance(found, Invalid)
        assert "13812345678" not in found.detail


def test_records_that_would_join_to_something_else_stay_apart() -> None:
    """Joined by commas these four are four good reports, all at the wrong offset."""
    whole = call(id="a")
    values = [call(id="x") + b"," + call(id="y"), b'{"pad":[{}', b"{}]," + whole[1:], whole]
    found = read_slice("raw.hotline", values)
    assert [type(one).__name__ for one in found] == [
        "Invalid",
        "Invalid",
        "Invalid",
        "HotlineReport",
    ]
    good = found[3]
    assert isinstance(good, HotlineReport)
    assert good.id == "a"


def test_a_packed_record_keeps_its_good_ones() -> None:
    packed = b"[" + call(id="1") + b"," + call(id="2", text=1) + b",7," + call(id="3") + b"]"
    found = read(packed)
    assert isinstance(found, list)
    assert [one.reason if isinstance(one, Invalid) else one.id for one in found] == [
        "1", "wrong_type", "wrong_type", "3",
    ]  # fmt: skip


def test_a_packed_record_of_good_ones() -> None:
    found = read(b"\n [" + b",".join(call(id=str(n)) for n in range(300)) + b"]")
    assert isinstance(found, list)
    assert [one.id for one in found if isinstance(one, Raw)] == [str(n) for n in range(300)]


def test_a_broken_array_is_one_bad_record() -> None:
    found = read(b"[" + call() + b",")
    assert isinstance(found, Invalid)
    assert found.reason == "not_json"


def test_order_is_kept_over_a_slice() -> None:
    values = [call(id=str(n)) if n % 3 else b"junk" for n in range(128)]
    found = read_slice("raw.hotline", values)
    assert len(found) == 128
    for n, one in enumerate(found):
        assert isinstance(one, Invalid) if n % 3 == 0 else getattr(one, "id", "") == str(n)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
_FIELDS = st.dictionaries(
    st.sampled_from(["id", "source", "channel", "event", "device_id", "part", "status", "value",
                     "occurred_at", "lon", "area_code", "text", "method", "count", "reporter"]),
    _JSON | st.sampled_from(["hotline_12345", "petition", "DoorFault", "system", "tilt"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    topic=st.sampled_from(sorted(RAW_MODELS)),
    value=st.binary(max_size=80)
    | _FIELDS.map(lambda d: json.dumps(d).encode())
    | st.lists(_FIELDS, max_size=3).map(lambda d: json.dumps(d).encode())
    | st.binary(max_size=30).map(lambda b: b"[" + b)
    | st.binary(max_size=30).map(lambda b: b"{" + b + b"}"),
)
def test_no_bytes_raise(topic: str, value: bytes) -> None:
    (found,) = read_slice(topic, [value])
    for one in found if isinstance(found, list) else [found]:
        assert isinstance(one, Raw | Invalid)
        if isinstance(one, Invalid):
            assert one.detail


def test_each_topic_reads_its_own_model() -> None:
    smoke = {"id": "1", "source": "s", "device_id": "D", "part": "component", "status": 3}
    assert isinstance(read(json.dumps(smoke).encode(), "raw.fire"), FireSignal)
    with pytest.raises(KeyError):
        read_slice("alerts", [b"{}"])
