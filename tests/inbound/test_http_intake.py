"""HTTP intake: what it takes, what it answers, and that nothing is taken before Kafka has it."""

import asyncio
import gzip
import json
import zlib

import httpx
import pytest
import zstandard
from fastapi import FastAPI

from connectors.inbound.edge import Edge, KnownCodes
from connectors.inbound.http import intake_router
from connectors.inbound.limits import Limits
from connectors.kafka import KafkaUnavailable
from connectors.tokens import TokenBook
from connectors.vault import load_or_create, open_contact, private_key
from schemas.ids import event_id
from schemas.raw import TOPIC_OF, HotlineReport, LiftSignal
from schemas.vault import Contact

CALL = {"id": "20261120-1", "text": "楼道里有烟", "occurred_at": "2026-11-20T08:15:00+08:00"}
LIFT = {"id": "a-1", "device_id": "L-1", "event": "trapped"}


class FakeKafka:
    """Keeps what was acknowledged; can be down."""

    def __init__(self):
        self.records = []
        self.down = False

    async def send_many(self, records, timeout=5.0):
        if self.down:
            raise KafkaUnavailable("down")
        self.records += records


class Intake:
    def __init__(self, tmp_path, known=None, limits=None):
        self.kafka = FakeKafka()
        self.tokens = TokenBook(tmp_path / "tokens.toml")
        self.token = self.tokens.create("city-12345", ["hotline_12345", "lift_iot", "fire_iot"])
        self.keys = tmp_path / "keys"
        self.edge = Edge(load_or_create(self.keys), known)
        self.now = 0.0
        self.counted = []
        self.app = FastAPI()
        self.app.include_router(
            intake_router(
                self.kafka,
                self.tokens,
                self.edge,
                limits=limits,
                monotonic=lambda: self.now,
                count=lambda *row: self.counted.append(row),
            )
        )

    def post(self, channel="hotline_12345", body=None, *, token=None, headers=None, **query):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.token if token is None else token}"}
        return self.request(
            "POST", f"/api/v1/intake/{channel}", content=content, params=query,
            headers=sent | (headers or {}),
        )  # fmt: skip

    def request(self, method, path, **more):
        async def run():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
                return await client.request(method, path, **more)

        return asyncio.run(run())


@pytest.fixture
def intake(tmp_path):
    return Intake(tmp_path)


def problems(answer, status=422):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    return body


def test_one_object_is_acknowledged_with_its_event_id(intake):
    answer = intake.post(body=CALL)
    assert answer.status_code == 202
    wanted = event_id("hotline_12345", "city-12345", "20261120-1")
    assert answer.json() == {
        "accepted": 1,
        "events": [{"id": "20261120-1", "event_id": wanted}],
    }
    (record,) = intake.kafka.records
    assert record.topic == "raw.hotline"
    assert record.key == b"20261120-1"
    raw = HotlineReport.model_validate_json(record.value)
    assert raw.source == "city-12345"
    assert raw.channel == "hotline_12345"
    assert intake.counted == [("hotline_12345", "accepted", 1)]


def test_device_reports_are_keyed_by_device(intake):
    assert intake.post("lift_iot", LIFT).status_code == 202
    assert intake.kafka.records[0].key == b"L-1"
    assert intake.kafka.records[0].topic == "raw.lift"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([CALL, {**CALL, "id": "2"}]).encode(),
        (json.dumps(CALL) + "\n\n" + json.dumps({**CALL, "id": "2"}) + "\n").encode(),
        b"\xef\xbb\xbf" + json.dumps([CALL, {**CALL, "id": "2"}]).encode(),
        json.dumps([CALL, {**CALL, "id": "2"}], indent=2).encode(),
    ],
    ids=["array", "ndjson", "byte order mark", "pretty"],
)
def test_batches(intake, body):
    answer = intake.post(body=body)
    assert [event["id"] for event in answer.json()["events"]] == ["20261120-1", "2"]
    assert len(intake.kafka.records) == 2


def test_the_same_event_twice_has_one_id(intake):
    first, second = intake.post(body=CALL).json(), intake.post(body=CALL).json()
    assert first == second


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
    ids=["gzip", "deflate", "raw deflate", "zstd", "identity"],
)
def test_compressed_bodies(intake, encoding, pack):
    body = pack(json.dumps(CALL).encode())
    assert intake.post(body=body, headers={"content-encoding": encoding}).status_code == 202


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_bombs_stop_at_the_limit(intake, encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[encoding]
    bomb = pack(b" " * (64 << 20))
    assert len(bomb) < 1 << 20
    problems(intake.post(body=bomb, headers={"content-encoding": encoding}), 413)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_cut_compression_is_named(intake, encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[encoding]
    body = pack(json.dumps([{**CALL, "id": str(n)} for n in range(200)]).encode())[:-20]
    body = problems(intake.post(body=body, headers={"content-encoding": encoding}))
    assert encoding in body["errors"][0]["reason"]


def test_unknown_compression_and_charset(intake):
    problems(intake.post(body=CALL, headers={"content-encoding": "br"}), 415)
    problems(intake.post(body=CALL, headers={"content-type": "application/json; charset=gbk"}), 415)
    utf8 = {"content-type": "application/json; charset=UTF-8"}
    assert intake.post(body=CALL, headers=utf8).status_code == 202


def test_large_bodies_are_refused_whether_or_not_they_say_so(intake):
    problems(intake.post(body=b" " * (5 << 20)), 413)

    async def chunks():
        for _ in range(90):
            yield b" " * 60_000

    async def run():
        transport = httpx.ASGITransport(intake.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            head = {"authorization": f"Bearer {intake.token}"}
            return await client.post("/api/v1/intake/hotline_12345", content=chunks(), headers=head)

    problems(asyncio.run(run()), 413)


def test_too_many_events(intake):
    problems(intake.post(body=[{**CALL, "id": str(n)} for n in range(1001)]), 413)
    assert intake.kafka.records == []


def test_one_bad_item_refuses_the_batch_and_every_fault_is_listed(intake):
    body = problems(
        intake.post(body=[CALL, {"text": "无编号"}, 7, {**CALL, "lon": 999, "lat": "x"}])
    )
    assert [(e["index"], e["field"], e["code"]) for e in body["errors"]] == [
        (1, "id", "missing_field"),
        (2, "", "wrong_type"),
        (3, "lon", "bad_value"),
        (3, "lat", "wrong_type"),
    ]
    assert body["errors"][0]["reason"] == "缺少必填字段"
    assert body["errors"][3]["id"] == "20261120-1"
    assert intake.kafka.records == []


def test_partial_takes_the_good_and_lists_the_bad(intake):
    answer = intake.post(body=[CALL, {"text": "无编号"}], partial="true")
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    assert [entry["index"] for entry in answer.json()["rejected"]] == [1]
    problems(intake.post(body=[{"text": "无编号"}], partial="true"))


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        (b"", "empty", "空"),
        (b"  \n ", "empty", "空"),
        (b"{", "not_json", "语法"),
        (b"hello", "not_json", "语法"),
        (b'{"id": "1", "lon": NaN}', "not_json", "NaN"),
        ('{"id": "1", "text": "井盖"}'.encode("gbk"), "not_utf8", "GBK"),
        (b'{"id": "\xff\xfe\xfa\xfb"}', "not_utf8", "UTF-8"),
        (b"[" * 100 + b"]" * 100, "too_deep", "嵌套"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep", "嵌套"),
        (b"null", "wrong_type", "对象"),
        (b'{"id":"1"}\n{"id":', "not_json", "语法"),
        (b'{"id": null, "text": "x"}', "wrong_type", "字符串"),
        (b'{"id": "1", "occurred_at": "yesterday"}', "bad_value", "ISO 8601"),
        (b'{"id": "1", "area_code": "12"}', "bad_value", "12 或 15 位"),
        (b'{"id": "1", "channel": "police_110"}', "bad_value", "渠道"),
    ],
)
def test_bad_input_is_named(intake, body, code, word):
    found = problems(intake.post(body=body))["errors"]
    assert found[0]["code"] == code
    assert word in found[0]["reason"]
    assert intake.kafka.records == []


def test_crazy_times_pass_for_the_workers_to_clamp(intake):
    for stamp in ("1970-01-01T00:00:00Z", "2099-12-31T00:00:00Z", 1763600000, 1763600000000):
        assert intake.post(body={**CALL, "occurred_at": stamp}).status_code == 202


def test_times_without_zone_are_shanghai(intake):
    intake.post(body={**CALL, "occurred_at": "2026-11-20 08:15:00"})
    stored = json.loads(intake.kafka.records[0].value)["occurred_at"]
    assert stored == "2026-11-20T08:15:00+08:00"


def test_source_and_persons_never_come_from_the_body(intake):
    body = {
        **CALL,
        "source": "somebody-else",
        "name": "张三",
        "phone": "13800138000",
        "text": "我的电话13800138000,身份证110101199003078515",
        "reporter": {"phone": "+86 138-0013-8000", "name": "张三", "id_number": "1101011990"},
    }
    assert intake.post(body=body).status_code == 202
    report, vault = intake.kafka.records
    stored = json.loads(report.value)
    assert stored["source"] == "city-12345"
    text = report.value.decode()
    assert "张三" not in text
    assert "13800138000" not in text
    assert "110101199003078515" not in text
    assert vault.topic == "contact-vault"
    contact = Contact.model_validate_json(vault.value)
    assert contact.token == stored["reporter"] == vault.key.decode()
    assert b"13800138000" not in vault.value
    assert open_contact(contact, private_key(intake.keys)) == "13800138000"


def test_a_caller_is_one_token_however_the_number_is_written(intake):
    for number, phone in enumerate(["13800138000", "+8613800138000", "138 0013 8000", 13800138000]):
        intake.post(body={**CALL, "id": str(number), "reporter": {"phone": phone}})
    reports = [record for record in intake.kafka.records if record.topic == "raw.hotline"]
    assert len({json.loads(record.value)["reporter"] for record in reports}) == 1


@pytest.mark.parametrize(
    "reporter", [{"phone": "none"}, {"phone": [1]}, 12, {"account": {}, "phone": "x"}]
)
def test_bad_reporters(intake, reporter):
    found = problems(intake.post(body={**CALL, "reporter": reporter}))["errors"]
    assert found[0]["field"] == "reporter"


def test_who_may_send_where(intake):
    problems(intake.post(body=CALL, token="wrong"), 401)
    problems(intake.request("POST", "/api/v1/intake/hotline_12345", content=b"{}"), 401)
    assert "Bearer" in intake.post(body=CALL, token="").headers["www-authenticate"]
    assert problems(intake.post("video_ai", {}), 403)["channels"][0] == "hotline_12345"
    assert problems(intake.post("telepathy", {}), 404)["channels"] == list(TOPIC_OF)


def test_a_revoked_token_stops_at_once(intake):
    assert intake.post(body=CALL).status_code == 202
    intake.tokens.revoke("city-12345")
    problems(intake.post(body=CALL), 401)


def test_rate_limit_says_when_to_come_back(tmp_path):
    intake = Intake(tmp_path, limits=Limits(per_second=10, burst=20))
    batch = [{**CALL, "id": str(n)} for n in range(20)]
    assert intake.post(body=batch).status_code == 202
    answer = intake.post(body=batch)
    problems(answer, 429)
    assert answer.headers["retry-after"] == "2"
    intake.now += 2
    assert intake.post(body=batch).status_code == 202


def test_kafka_down_means_not_accepted(intake):
    intake.kafka.down = True
    answer = intake.post(body=CALL)
    problems(answer, 503)
    assert answer.headers["retry-after"]
    intake.kafka.down = False
    assert intake.post(body=CALL).status_code == 202


def known(emergency=lambda raw: False):
    return KnownCodes(areas={"9901"}, classes={"020101"}, devices={"L-1"}, emergency=emergency)


@pytest.mark.parametrize(
    ("channel", "change", "field", "code"),
    [
        ("hotline_12345", {"area_code": "9902"}, "area_code", "unknown_area"),
        ("hotline_12345", {"class_code": "999999"}, "class_code", "bad_value"),
        ("lift_iot", {"device_id": "L-9"}, "device_id", "unknown_device"),
    ],
)
def test_codes_the_profile_does_not_know(tmp_path, channel, change, field, code):
    intake = Intake(tmp_path, known())
    good = {**(LIFT if channel == "lift_iot" else CALL), "area_code": "9901"}
    assert intake.post(channel, good).status_code == 202
    (found,) = problems(intake.post(channel, {**good, **change}))["errors"]
    assert (found["field"], found["code"]) == (field, code)


def test_an_emergency_passes_even_from_an_unknown_device(tmp_path):
    intake = Intake(
        tmp_path, known(lambda raw: isinstance(raw, LiftSignal) and raw.event == "trapped")
    )
    assert intake.post("lift_iot", {**LIFT, "device_id": "L-9"}).status_code == 202
    problems(intake.post("lift_iot", {**LIFT, "device_id": "L-9", "event": "door_fault"}))


def test_vendor_formats_by_query(intake):
    order = {
        "orderNo": "G1",
        "content": "井盖破了",
        "callerPhone": "13800138000",
        "callerName": "李四",
    }
    assert intake.post(body=order, format="12345").json()["events"][0]["id"] == "G1"
    found = problems(intake.post(body=order, format="gb26875"))["errors"]
    assert "12345" in found[0]["reason"]


def test_channels_describe_themselves(intake):
    body = intake.request("GET", "/api/v1/intake").json()
    assert [row["channel"] for row in body["channels"]] == list(TOPIC_OF)
    fire = next(row for row in body["channels"] if row["channel"] == "fire_iot")
    assert {row["name"] for row in fire["formats"]} == {"native", "gb26875"}
    assert fire["schema"]["required"] == ["id", "device_id", "part"]
    call = next(row for row in body["channels"] if row["channel"] == "hotline_12345")["schema"]
    assert not {"source", "channel"} & set(call["properties"])
    assert "phone" in str(call["properties"]["reporter"])


def test_openapi_names_the_token_and_the_answers(intake):
    document = intake.request("GET", "/openapi.json").json()
    post = document["paths"]["/api/v1/intake/{channel}"]["post"]
    assert {"202", "401", "413", "422", "429", "503"} <= set(post["responses"])
    assert "intakeToken" in document["components"]["securitySchemes"]


def test_a_body_that_never_ends_is_given_up(tmp_path):
    intake = Intake(tmp_path, limits=Limits(body_seconds=0.05))

    async def chunks():
        yield b"["
        await asyncio.Event().wait()

    async def run():
        transport = httpx.ASGITransport(intake.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            head = {"authorization": f"Bearer {intake.token}"}
            return await client.post("/api/v1/intake/hotline_12345", content=chunks(), headers=head)

    problems(asyncio.run(run()), 408)


def test_a_text_report_says_something(intake):
    (found,) = problems(intake.post(body={"id": "1", "text": "  "}))["errors"]
    assert (found["field"], found["code"]) == ("text", "missing_field")
    assert intake.post(body={"id": "1", "title": "路灯不亮"}).status_code == 202
