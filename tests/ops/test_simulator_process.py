"""The simulator as a process: into a real broker, and gone when told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka_address import KafkaAddress
from schemas.ids import event_id
from schemas.raw import RAW_MODELS
from schemas.topics import BY_NAME, RAW_TOPICS

ROOT = Path(__file__).parents[2]


def start(kafka: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ops.simulator", *words], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"GRIDWHISTLE_KAFKA": kafka, "GRIDWHISTLE_METRICS_PORT": "0"},
    )  # fmt: skip


def read(kafka: KafkaAddress) -> list[tuple[str, Any]]:
    async def take() -> list[tuple[str, Any]]:
        tps = [TopicPartition(t, n) for t in RAW_TOPICS for n in range(BY_NAME[t].partitions)]
        async with AIOKafkaConsumer(auto_offset_reset="earliest", **kafka.client()) as consumer:
            consumer.assign(tps)
            total = sum((await consumer.end_offsets(tps)).values())
            found: list[tuple[str, Any]] = []
            while len(found) < total:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found += [(record.topic, json.loads(record.value)) for record in records]
            return found

    return asyncio.run(take())


def test_it_feeds_kafka_and_writes_the_truth(fresh: KafkaAddress, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    process = start(
        fresh.bootstrap, "--rate", "60", "--duration", "5", "--pack", "20",
        "--speed", "20", "--burst", "water_off", "--truth", str(truth),
    )  # fmt: skip
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "演练:water_off" in said
    reports = [
        (topic, report)
        for topic, body in read(fresh)
        for report in (body if isinstance(body, list) else [body])
    ]
    assert f"共发送 {len(reports)} 条" in said
    assert 0 < len(reports) <= 350  # the pace itself: tests/simulator/test_pacing.py
    for topic, report in reports:
        assert RAW_MODELS[topic].model_validate(report).simulated
    arrived = {event_id(r["channel"], r["source"], r["id"]) for _, r in reports}
    named = {
        name for line in truth.read_text().splitlines() for name in json.loads(line)["event_ids"]
    }
    assert named <= arrived


def test_it_says_that_kafka_is_away_and_stops_when_told() -> None:
    process = start("127.0.0.1:1", "--rate", "50")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert "Kafka 暂时连不上" in first
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    assert "结束,共发送 0 条" in rest


def test_a_missing_profile_is_said(tmp_path: Path) -> None:
    process = start("127.0.0.1:1", "--profile", str(tmp_path / "none"))
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "模拟器不能启动" in said
