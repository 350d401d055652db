"""The broker of a centre: the embedded one or, with GRIDWHISTLE_FAULT_BROKER=apache, a real Apache
Kafka; each a process that can be frozen, killed, and started again where it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.broker import apache_kafka
from tests.faults.process import START, Process, until

APACHE = os.environ.get("GRIDWHISTLE_FAULT_BROKER") == "apache"


class Broker:
    def __init__(self, folder: Path, logs: Path, port: int) -> None:
        self.folder, self.logs, self.port = folder, logs, port
        self.folder.mkdir()
        self.command = [
            sys.executable, "-m", "ops.broker", "--dir", str(folder), "--port", str(port),
            "--housekeeping-seconds", "0.5",
        ]  # fmt: skip
        if APACHE:
            try:
                self.command = apache_kafka.prepare(folder, port).command
            except apache_kafka.Unavailable as reason:
                pytest.skip(f"Apache Kafka could not be had: {reason}")

    def start(self) -> Process:
        return Process("broker", self.logs, *self.command)

    def answers(self, process: Process) -> None:
        """Wait until it does."""
        if APACHE:
            until(lambda: apache_kafka.answers(self.port), START, "Apache Kafka answers")
        else:
            process.ready()
