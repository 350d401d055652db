"""An embedded broker as its own process, so that it can be killed and started again."""

import subprocess
import sys

import pytest

from connectors.kafka import KafkaAddress


class Broker:
    def __init__(self, folder):
        self.folder = folder
        self.port = 0
        self.process = None

    def start(self):
        command = [
            sys.executable,
            "-m",
            "ops.broker",
            "--dir",
            self.folder,
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line
        self.port = int(line.split()[1])

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None

    @property
    def address(self):
        return KafkaAddress(f"127.0.0.1:{self.port}")


@pytest.fixture(scope="module")
def new_broker(tmp_path_factory):
    """Starts a fresh broker; all are killed at the end of the module."""
    started = []

    def start():
        broker = Broker(tmp_path_factory.mktemp("broker"))
        started.append(broker)
        broker.start()
        return broker

    yield start
    for broker in started:
        broker.kill()
