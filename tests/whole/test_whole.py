"""The whole centre: what comes in is decided, followed, shown, acted on, and counted once."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.tokens import TokenBook
from tests.whole.centre import Centre, until

NOW = datetime.now(UTC).isoformat()
MAPPING = """
source = "calls"
title = "测试来电"

[file]
format = "jsonl"

[time]
take = "{time}"
formats = ["iso"]
zone = "Asia/Shanghai"

[fields]
channel = "hotline_12345"
id = "{id}"
text = { take = "{body}", cut = 2000 }
area_code = "990101001001"
"""


@pytest.fixture(scope="module")
def token(centre: Centre) -> str:
    return TokenBook(centre.home.secrets / "sources.toml").create(
        "test-source", ["hotline_12345", "fire_iot"]
    )


def report(number: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "occurred_at": NOW, "text": text, **more}


def send(centre: Centre, token: str, channel: str, body: Any, **options: Any) -> Any:
    return centre.http.post(
        f"/api/v1/intake/{channel}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        **options,
    )


class TestOneCall:
    """A call comes in; it becomes a case at a unit, an alert, and a person signs it."""

    def test_it_is_taken_and_answered_after_kafka(self, centre: Centre, token: str) -> None:
        call = report("call-1", "楼道里烟感一直响,有烟往外冒", area_code="990101001001")
        answer = send(centre, token, "hotline_12345", call)
        assert answer.status_code == 202, answer.text
        assert answer.json()["accepted"] == 1

    def test_it_becomes_a_case_with_a_clock_and_an_alert(self, centre: Centre) -> None:
        centre.sign_in()
        until(lambda: centre.get("/api/v1/cases?channel=hotline_12345")["items"], "the case")
        case = centre.get("/api/v1/cases?channel=hotline_12345")["items"][0]
        assert case["village"] == "990101001001"
        assert case["due_clock"]
        until(lambda: centre.get("/api/v1/alerts")["items"], "its alert")
        assert case["case_no"] in {a["case_no"] for a in centre.get("/api/v1/alerts")["items"]}

    def test_an_operator_acts_and_history_keeps_it(self, centre: Centre) -> None:
        centre.sign_in()
        case_no = centre.get("/api/v1/cases?channel=hotline_12345")["items"][0]["case_no"]
        path = f"/api/v1/cases/{case_no}"
        before = centre.get(path)["case"]["version"]
        key = uuid4().hex
        answer = centre.post(f"{path}/actions", {"move": "note", "reason": "已电话核实"},
                             **{"Idempotency-Key": key})  # fmt: skip
        assert answer.status_code == 200, answer.text
        again = centre.post(f"{path}/actions", {"move": "note", "reason": "已电话核实"},
                            **{"Idempotency-Key": key})  # fmt: skip
        assert again.status_code in (200, 202), again.text

        def noted() -> list[dict[str, Any]]:
            return [c for c in centre.get(path)["history"] if c["move"] == "note"]

        until(noted, "the note in the history")
        assert len(noted()) == 1
        assert centre.get(path)["case"]["version"] == before + 1

    def test_an_impossible_move_is_refused_with_what_is_possible(self, centre: Centre) -> None:
        centre.sign_in()
        case_no = centre.get("/api/v1/cases?channel=hotline_12345")["items"][0]["case_no"]
        answer = centre.post(f"/api/v1/cases/{case_no}/actions", {"move": "reopen", "reason": "x"},
                             **{"Idempotency-Key": uuid4().hex})  # fmt: skip
        assert answer.status_code == 409, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["possible"]


class TestBadInput:
    """Each gets an error that names field and reason; through Kafka, a dead letter, whole."""

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"occurred_at": NOW, "text": "x"}, "id"),
            ({"id": "b-1", "text": 5}, "text"),
            ({"id": "b-2", "lon": 999.0, "lat": 1.0, "text": "x"}, "lon"),
            ({"id": "b-3", "text": "路灯不亮", "area_code": "123456789012"}, "area_code"),
            ({"id": "b-4", "text": "路灯不亮", "class_code": "999999"}, "class_code"),
        ],
    )
    def test_http_names_the_field(
        self, centre: Centre, token: str, body: dict[str, Any], field: str
    ) -> None:
        answer = send(centre, token, "hotline_12345", body)
        assert answer.status_code == 422, answer.text
        assert field in {p["field"] for p in answer.json()["errors"]}

    def test_a_wrong_token_is_refused(self, centre: Centre) -> None:
        assert send(centre, "wrong", "hotline_12345", report("x", "y")).status_code == 401

    def test_a_channel_the_token_does_not_have_is_refused(self, centre: Centre, token: str) -> None:
        assert send(centre, token, "petition", report("x", "y")).status_code == 403

    def test_a_gzip_bomb_is_refused(self, centre: Centre, token: str) -> None:
        answer = centre.http.post(
            "/api/v1/intake/hotline_12345",
            content=gzip.compress(b"[" + b" " * (200 << 20) + b"]"),
            headers={"Authorization": f"Bearer {token}", "Content-Encoding": "gzip",
                     "Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 413, answer.text

    def test_garbage_in_kafka_goes_whole_to_the_dead_letters(self, centre: Centre) -> None:
        from confluent_kafka import Producer

        run = json.loads((centre.home.path / "run.json").read_text())
        garbage = [
            b"not json", "乱码".encode("gbk"), None, b'{"id":"n","value":NaN}', b"[" * 5000,
            json.dumps({"id": "g-1", "source": "s", "channel": "nowhere", "text": "x"}).encode(),
            json.dumps({"id": "g-2", "source": "s", "channel": "petition", "lon": "x"}).encode(),
            json.dumps({"source": "s", "channel": "petition"}).encode(),
        ]  # fmt: skip
        producer = Producer({"bootstrap.servers": run["kafka"]})
        for value in garbage:
            producer.produce("raw.hotline", value=value, partition=0)
        assert producer.flush(20) == 0
        until(lambda: centre.counted()["dead_letters"] >= len(garbage), "the dead letters")
        listed = centre.command("deadletters", "list").stdout
        for reason in ("not_json", "not_utf8", "empty", "missing_field", "unknown_channel"):
            assert reason in listed


class TestNothingIsLost:
    def test_replayed_twice_with_workers_killed_the_ledger_balances(
        self, centre: Centre, tmp_path: Path
    ) -> None:
        file, mapping = tmp_path / "calls.jsonl", tmp_path / "calls.toml"
        texts = ["路灯坏了一排", "垃圾桶满了三天没人收", "下水道堵了往外冒", "井盖翘起来了"]
        with file.open("w", encoding="utf-8") as out:
            for n in range(3000):
                body = {"id": f"r{n}", "time": NOW, "body": f"{texts[n % 4]},第{n}号"}
                out.write(json.dumps(body, ensure_ascii=False) + "\n")
        mapping.write_text(MAPPING, encoding="utf-8")
        before = centre.counted()["rows"]
        for stage in ("intake", "cases"):
            done = centre.command("replay", str(file), "--mapping", str(mapping))
            assert done.returncode == 0, done.stdout + done.stderr
            assert centre.kill(f"streams.worker {stage}") == 1
        until(lambda: centre.counted()["filtered"] >= 3000, "the repeats are filtered", 90)
        ledger = centre.ledger()
        assert ledger["exit"] == 0, ledger
        assert ledger["difference"] == 0
        assert ledger["rows"] == before + 3000

    def test_it_stops_cleanly_and_comes_back_with_everything(self, centre: Centre) -> None:
        centre.sign_in()
        until(centre.caught_up, "every report has its case", 120)
        before = centre.counted()
        cases = {c["case_no"] for c in centre.get("/api/v1/cases?limit=500")["items"]}
        assert centre.stop() == 0
        centre.start()
        centre.sign_in()
        after = centre.ledger()
        assert after["exit"] == 0
        assert (after["rows"], after["filtered"]) == (before["rows"], before["filtered"])
        again = {c["case_no"] for c in centre.get("/api/v1/cases?limit=500")["items"]}
        assert again - cases == set()
        assert cases - again == set()
