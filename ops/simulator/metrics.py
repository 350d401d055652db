"""Metrics of the simulator: this table is the catalogue and the documentation."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from connectors.metrics import Metric

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("gridwhistle_simulated_events_total", Counter, ("topic",),
           "模拟器已发送的事件数 events sent by the simulator", "simulator"),
    Metric("gridwhistle_simulator_behind_seconds", Gauge, (),
           "模拟器落后于时钟的秒数 seconds the simulator is behind the clock", "simulator"),
    Metric("gridwhistle_simulator_kafka_away", Gauge, (),
           "模拟器连不上 Kafka 时为 1 1 while Kafka does not answer", "simulator"),
)
# fmt: on
