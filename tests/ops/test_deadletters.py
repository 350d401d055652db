"""Dead letters through a real broker: listed, shown safely, exported, sent back once."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as At
from typer.testing import CliRunner, Result

from connectors.kafka_address import KafkaAddress
from ops.cli.deadletters import app
from ops.deadletters import (
    REPLAYED,
    TOPIC,
    once_each,
    place_of,
    readable,
    replayed_from,
    safe,
)
from schemas.deadletter import DeadLetter
from schemas.settings import settings
from schemas.topics import BY_NAME

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
BAD = '{"id":"1","text":"请回电 13912345678"}'.encode()


def letter(offset: int = 0, **more: Any) -> DeadLetter:
    body: bytes = more.pop("body", BAD)
    fields: dict[str, Any] = {
        "topic": "raw.fire", "partition": 1, "offset": offset, "reason": "missing_field",
        "field": "channel", "detail": "缺少字段 channel", "at": NOON + timedelta(seconds=offset),
        "key": base64.b64encode(b"device-7").decode(), "payload": base64.b64encode(body).decode(),
    }  # fmt: skip
    return DeadLetter(**fields | more)


def again(of: DeadLetter, offset: int, **more: Any) -> DeadLetter:
    return letter(offset, headers=((REPLAYED, "/".join(map(str, place_of(of)))),), **more)


# --- what is chosen


def test_a_record_with_several_letters_is_sent_back_once() -> None:
    parts = [letter(5, part=0), letter(5, part=2), letter(4)]
    assert [place_of(found) for found in once_each(parts)] == [
        ("raw.fire", 1, 4), ("raw.fire", 1, 5),
    ]  # fmt: skip


def test_a_letter_sent_back_that_failed_again_stands_for_the_first() -> None:
    first, second = letter(5), again(letter(5), 9)
    third = again(second, 12)
    assert replayed_from(second) == ("raw.fire", 1, 5)
    assert once_each([third, first, second]) == [third]


@pytest.mark.parametrize("value", ["", "x", "raw.fire/1/", "raw.fire/a/1", "/1/2", "1/2"])
def test_a_foreign_header_is_no_place(value: str) -> None:
    assert replayed_from(letter(headers=((REPLAYED, value),))) is None


# --- what is shown


def test_contacts_are_masked() -> None:
    kind, text = readable(BAD)
    assert kind == "UTF-8"
    assert "13912345678" not in text
    assert "[手机号]" in text


def test_gbk_is_read_as_gbk_and_masked() -> None:
    kind, text = readable("井盖坏了,电话13912345678".encode("gb18030"))
    assert kind == "GBK"
    assert "井盖坏了" in text
    assert "13912345678" not in text


def test_bytes_are_shown_as_hex_without_long_numbers() -> None:
    kind, text = readable(b"\xff\xfe\x00\x01 13912345678 \x80\xff" * 100)
    assert kind == "十六进制"
    assert "13912345678" not in text
    assert "31 33 39" not in text
    assert text.startswith("000000  ff fe 00 01")
    assert "共 " in text.splitlines()[-1]
    assert readable(b"") == ("空", "")


@pytest.mark.parametrize(
    "evil", ["\x1b]0;x\x07", "\x1b[2J", "\r", "\x9b31m", "\u202e", "\u2066", "\x00"]
)
def test_nothing_shown_moves_the_terminal(evil: str) -> None:
    assert evil not in readable(f"a{evil}b".encode())[1]
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in safe(f"a{evil}b"))
    assert safe("正常 text\n\t") == "正常 text\n\t"


# --- the commands


@pytest.fixture
def kafka(fresh: KafkaAddress, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaAddress]:
    """Empty topics, and the environment pointing at them."""
    monkeypatch.setenv("GRIDWHISTLE_KAFKA", fresh.bootstrap)
    monkeypatch.setenv("GRIDWHISTLE_CLICKHOUSE", "http://127.0.0.1:1")
    settings.cache_clear()
    yield fresh
    settings.cache_clear()


def write(kafka: KafkaAddress, *found: DeadLetter, odd: bytes | None = None) -> None:
    async def send() -> None:
        async with AIOKafkaProducer(**kafka.client()) as producer:
            for one in found:
                await producer.send_and_wait(
                    TOPIC, one.model_dump_json().encode(), partition=one.offset % 3,
                    timestamp_ms=int(one.at.timestamp() * 1000),
                )  # fmt: skip
            if odd is not None:
                await producer.send_and_wait(TOPIC, odd)

    asyncio.run(send())


def read(kafka: KafkaAddress, topic: str) -> list[Any]:
    async def take() -> list[Any]:
        tps = [At(topic, n) for n in range(BY_NAME[topic].partitions)]
        async with AIOKafkaConsumer(auto_offset_reset="earliest", **kafka.client()) as consumer:
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            found: list[Any] = []
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found += records
            return found

    return asyncio.run(take())


def run(*words: str, code: int = 0, **more: Any) -> Result:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, list(words), **more)
    assert result.exit_code == code, result.output
    return result


def test_list_counts_by_reason_and_filters(kafka: KafkaAddress) -> None:
    assert "没有符合条件的死信" in run("list").output
    write(
        kafka,
        *(letter(n) for n in range(5)),
        letter(7, topic="raw.gate", reason="unknown_device", field="device_id", detail="无此设备"),
        odd=b"not a letter",
    )
    everything = run("list").output
    assert "死信 6 条" in everything
    assert "有 1 条不是死信的记录" in everything
    assert "缺少字段 channel" in everything
    assert "11-22 12:00:04" in everything  # Shanghai
    one = run("list", "--reason", "unknown_device").output
    assert "死信 1 条" in one
    assert "raw.gate" in one
    assert "raw.fire" not in one
    few = run("list", "--topic", "raw.fire", "--limit", "2").output
    assert "死信 5 条" in few
    assert "最新 2 条" in few
    late = run("list", "--since", "2026-11-22T12:00:03").output
    assert "死信 3 条" in late
    assert "13912345678" not in everything
    assert "没有原因" in run("list", "--reason", "nope", code=2).output
    assert "看不懂" in run("list", "--since", "soon", code=2).output


def test_show_masks_and_writes_the_exact_bytes_on_request(
    kafka: KafkaAddress, tmp_path: Path
) -> None:
    write(kafka, letter(3))
    out = run("show", "raw.fire", "1", "3").output
    assert "missing_field channel" in out
    assert "[手机号]" in out
    assert "13912345678" not in out
    file = tmp_path / "bytes"
    run("show", "raw.fire", "1", "3", "--raw", str(file))
    assert file.read_bytes() == BAD
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "写不了" in run("show", "raw.fire", "1", "3", "--raw", str(file), code=2).output
    assert "没有" in run("show", "raw.fire", "1", "4", code=1).output


def test_replay_puts_bytes_key_and_headers_back_once(kafka: KafkaAddress) -> None:
    write(kafka, letter(3, part=0), letter(3, part=1), letter(4, headers=(("trace", "7"),)),
          letter(5, reason="not_json", key=None, body=b"\xff{"))  # fmt: skip
    assert "请说明放回哪些" in run("replay", code=2).output
    assert "没有终端可确认" in run("replay", "--topic", "raw.fire", code=2).output
    assert read(kafka, "raw.fire") == []
    out = run("replay", "--topic", "raw.fire", "--yes").output
    assert "已放回 3 条" in out
    found = {dict(r.headers)[REPLAYED]: r for r in read(kafka, "raw.fire")}
    assert set(found) == {b"raw.fire/1/3", b"raw.fire/1/4", b"raw.fire/1/5"}
    assert found[b"raw.fire/1/3"].value == BAD
    assert found[b"raw.fire/1/3"].key == b"device-7"
    assert dict(found[b"raw.fire/1/4"].headers)["trace"] == b"7"
    assert found[b"raw.fire/1/5"].value == b"\xff{"
    assert found[b"raw.fire/1/5"].key is None


def test_replay_of_one_offset_with_a_limit(kafka: KafkaAddress) -> None:
    write(kafka, letter(3), letter(4), again(letter(4), 8))
    out = run("replay", "--reason", "missing_field", "--limit", "1", "--yes").output
    assert "另有 1 条超出 --limit" in out
    assert "已放回 1 条" in out
    assert "没有符合条件的死信" in run("replay", "--offset", "4", "--yes").output  # 8 stands for it
    assert "已放回 1 条" in run("replay", "--offset", "8", "--yes").output
    places = sorted(dict(r.headers)[REPLAYED] for r in read(kafka, "raw.fire"))
    assert places == [b"raw.fire/1/3", b"raw.fire/1/8"]


def test_export_repair_and_replay(kafka: KafkaAddress, tmp_path: Path) -> None:
    write(kafka, letter(3), letter(4, body=b"\x00\x01"))
    file = tmp_path / "letters.jsonl"
    assert "已导出 2 条" in run("export", str(file)).output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert base64.b64decode(rows[1]["base64"]) == b"\x00\x01"
    rows[0]["body"]["channel"] = "fire_iot"
    fixed = tmp_path / "fixed.jsonl"
    fixed.write_text(json.dumps(rows[0], ensure_ascii=False) + "\n\n")
    assert "已放回 1 条" in run("replay", "--file", str(fixed), "--yes").output
    (record,) = read(kafka, "raw.fire")
    assert json.loads(record.value) == json.loads(BAD) | {"channel": "fire_iot"}
    assert record.key == b"device-7"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "第 1 行不对"),
        ('{"topic":"raw.fire","partition":1,"offset":3}', "第 1 行不对"),
        ('{"topic":"raw.fire","partition":1,"offset":99,"body":{}}', "没有对应的死信"),
    ],
)
def test_a_bad_repair_file_sends_nothing(
    kafka: KafkaAddress, tmp_path: Path, line: str, said: str
) -> None:
    write(kafka, letter(3))
    file = tmp_path / "fixed.jsonl"
    file.write_text(line)
    assert said in run("replay", "--file", str(file), "--yes", code=2).output
    assert read(kafka, "raw.fire") == []


def test_kafka_away_is_said_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWHISTLE_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("GRIDWHISTLE_CLICKHOUSE", "http://127.0.0.1:1")
    settings.cache_clear()
    try:
        assert "gridwhistle doctor" in run("list", code=2).output
    finally:
        settings.cache_clear()
