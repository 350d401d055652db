"""A steady background and alarms whose way to an alert is timed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from schemas.ids import event_id


class Background(threading.Thread):
    """Sends records at ``rate`` a second until stopped."""

    def __init__(self, kafka: str, topic: str, records: Iterator[bytes], rate: float) -> None:
        super().__init__(daemon=True)
        self.kafka, self.topic, self.records, self.rate = kafka, topic, records, rate
        self.sent = 0
        self._over = threading.Event()

    def run(self) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.kafka, "linger.ms": 5, "log_level": 0})
        began = time.monotonic()
        while not self._over.is_set():
            due = int((time.monotonic() - began) * self.rate)
            while self.sent < due:
                producer.produce(self.topic, next(self.records), partition=self.sent % 4)
                self.sent += 1
            producer.poll(0)
            time.sleep(0.01)
        producer.flush(30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        self.join(30)


class AlarmClock:
    """Sends alarms one by one and notes when the alert of each stands in the topic ``alerts``."""

    def __init__(self, kafka: str, alarms: Iterator[tuple[str, bytes]]) -> None:
        from confluent_kafka import Consumer, Producer

        self._alarms = alarms
        self._producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0, "log_level": 0})
        self._consumer = Consumer({
            "bootstrap.servers": kafka, "group.id": f"clock-{time.time_ns()}",
            "auto.offset.reset": "latest", "fetch.wait.max.ms": 5, "log_level": 0,
        })  # fmt: skip
        self._sent: dict[str, float] = {}
        self.seconds: list[float] = []
        assigned = threading.Event()
        self._consumer.subscribe(["alerts"], on_assign=lambda *_: assigned.set())
        while not assigned.is_set():
            self._listen(0.1)
        self._listen(0.5)

    def ring(self, every: float, seconds: float) -> None:
        """An alarm every so many seconds, for so long."""
        end = time.monotonic() + seconds
        due = time.monotonic()
        while time.monotonic() < end:
            if time.monotonic() >= due:
                due += every
                name, record = next(self._alarms)
                self._sent[event_id("fire_iot", "bench", name)] = time.monotonic()
                self._producer.produce("raw.fire", record)
                self._producer.poll(0)
            self._listen(0.002)

    def finish(self, seconds: float) -> int:
        """Wait for the alerts that are still out; how many never came."""
        self._producer.flush(10)
        end = time.monotonic() + seconds
        while self._sent and time.monotonic() < end:
            self._listen(0.05)
        return len(self._sent)

    def forget(self) -> None:
        """Begin anew: what is still out does not count."""
        self._sent.clear()
        self.seconds.clear()

    def close(self) -> None:
        self._consumer.close()

    def _listen(self, seconds: float) -> None:
        message: Any = self._consumer.poll(seconds)
        if message is None or message.error() is not None:
            return
        body = json.loads(message.value())
        began = self._sent.pop(body.get("event_id", ""), None)
        if began is not None:
            self.seconds.append(time.monotonic() - began)


def percentile(values: list[float], share: float) -> float:
    """Of at least one value."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
