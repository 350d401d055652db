"""Real Apache Kafka for the contract tests: one KRaft node on loopback, jars through Maven.

    python tests/broker/apache_kafka.py fetch
    python tests/broker/apache_kafka.py run -- python -m pytest tests/broker -m 'not embedded_only'

`fetch` brings the jars into .kafka/ (about 45 MB, once). `run` also starts a fresh node, tells
COMMAND its address in GRIDWHISTLE_TEST_KAFKA and GRIDWHISTLE_BENCH_KAFKA, stops the node and exits
with COMMAND's code.
Exit code 75 means that Kafka could not be had here (no Java 17, no Maven, no Maven Central, or the
node did not start), with the reason in one sentence.
"""

import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

VERSION = "4.1.0"
JAVA_AT_LEAST = 17
HOME = Path(__file__).resolve().parents[2] / ".kafka"
LIBS = HOME / f"libs-{VERSION}"
COULD_NOT = 75  # EX_TEMPFAIL
FETCH_SECONDS, START_SECONDS, STOP_SECONDS = 480, 60, 20

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>gridwhistle</groupId><artifactId>test-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""

# What production would set, and short intervals so that tests see retention and compaction at work.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes=10485760
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=300
group.min.session.timeout.ms=500
log.initial.task.delay.ms=500
log.retention.check.interval.ms=500
log.segment.delete.delay.ms=100
log.cleaner.backoff.ms=500
"""


class Unavailable(Exception):
    """Kafka cannot be had here; the text says why."""


def fetch() -> None:
    """Brings the jars into .kafka/ unless they are there. Raises Unavailable."""
    complete = LIBS / ".complete"
    if complete.exists():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Maven (mvn) is not installed, so Kafka's jars cannot be fetched")
    HOME.mkdir(exist_ok=True)
    (HOME / "pom.xml").write_text(POM)
    command = [maven, "-q", "-B", "-f", str(HOME / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={LIBS}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"Maven did not finish within {FETCH_SECONDS} s") from None
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line] or [
            "no reason given"
        ]
        raise Unavailable(f"Maven could not fetch Kafka {VERSION}: {lines[0]}")
    complete.touch()


def java() -> str:
    """The Java to run. Raises Unavailable when there is none, or an older one."""
    found = shutil.which("java")
    if found is None:
        raise Unavailable(f"Java is not installed; Kafka {VERSION} needs {JAVA_AT_LEAST} or later")
    text = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=30).stderr
    major = int(text.partition('"')[2].partition(".")[0].partition('"')[0] or 0)
    if major < JAVA_AT_LEAST:
        raise Unavailable(f"Java {major} is installed; Kafka {VERSION} needs {JAVA_AT_LEAST}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the node answers an ApiVersions request."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as link:
            link.settimeout(2)
            link.sendall(struct.pack(">ihhih", 10, 18, 0, 7, -1))
            return len(link.recv(8)) == 8
    except OSError:
        return False


class Prepared(NamedTuple):
    """A formatted directory and the command that runs a node in it, again and again."""

    command: list[str]
    port: int
    output: Path


def prepare(directory: Path, port: int) -> Prepared:
    """Everything for a node on ``port`` that keeps all it has in ``directory``. Unavailable."""
    fetch()
    command = [java(), "-Xmx768m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    command += ["-cp", f"{LIBS}/*"]
    properties = directory / "server.properties"
    properties.write_text(
        PROPERTIES.format(port=port, controller=_free_port(), data=directory / "data")
    )
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    formatting = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    done = subprocess.run([*command, *formatting], capture_output=True, text=True, timeout=60)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Unavailable(f"Kafka could not format its storage: {last}")
    return Prepared([*command, "kafka.Kafka", str(properties)], port, directory / "kafka.log")


@contextmanager
def node() -> Iterator[str]:
    """A fresh node, by its address; stopped and removed at the end. Raises Unavailable."""
    fetch()
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=HOME))
    try:
        command, port, output = prepare(directory, _free_port())
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, start_new_session=True
            )
        try:
            _await_start(process, port, output)
            yield f"127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _await_start(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not answers(port):
        if process.poll() is not None or time.monotonic() > until:
            tail = " | ".join(output.read_text(errors="replace").splitlines()[-5:])
            raise Unavailable(f"Kafka did not start: {tail}")
        time.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    todo.add_parser("fetch", help="bring the jars into .kafka/")
    running = todo.add_parser("run", help="start Kafka, run COMMAND, stop Kafka")
    running.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    given = parser.parse_args()
    try:
        if given.todo == "fetch":
            fetch()
            print(f"Apache Kafka {VERSION} is in {LIBS.relative_to(HOME.parent)}")
            return 0
        command = [word for n, word in enumerate(given.command) if n or word != "--"]
        if not command:
            parser.error("which command?")
        with node() as address:
            print(f"Apache Kafka {VERSION} answers on {address}", flush=True)
            names = ("GRIDWHISTLE_TEST_KAFKA", "GRIDWHISTLE_BENCH_KAFKA")
            environment = os.environ | dict.fromkeys(names, address)
            return subprocess.run(command, env=environment).returncode
    except Unavailable as reason:
        print(f"Apache Kafka could not be had: {reason}", file=sys.stderr)
        return COULD_NOT


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
