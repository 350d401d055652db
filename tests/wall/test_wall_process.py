"""The process: starts without Kafka, says what is missing, ends at once with screens watching."""

import json
import os
import signal
import subprocess
import sys

import httpx

from ops.wall.accounts import Secrets
from tests.wall.conftest import PASSWORD, ROOT, ready_port


def test_it_starts_says_what_is_missing_and_stops_with_a_stream_open(store, tmp_path):
    environment = os.environ | {
        "GRIDWHISTLE_CLICKHOUSE": store.url,
        "GRIDWHISTLE_CLICKHOUSE_USER": "wall",
        "GRIDWHISTLE_CLICKHOUSE_PASSWORD": PASSWORD,
        "GRIDWHISTLE_KAFKA": "127.0.0.1:1",
        "GRIDWHISTLE_SECRETS_DIR": str(tmp_path / "secrets"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.wall", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{ready_port(process)}"
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
            missing = http.get("/readyz").json()["missing"]
            assert "kafka" in missing
            assert "store" not in missing
            http.get("/", params={"token": Secrets(tmp_path / "secrets").wall_token()})
            with http.stream("GET", "/api/v1/wall/stream") as stream:
                assert stream.headers["x-accel-buffering"] == "no"
                lines = stream.iter_lines()
                frame = next(line for line in lines if line.startswith("data: "))
                assert json.loads(frame[6:])["tiles"]["headline"]["signals"] >= 0
                process.send_signal(signal.SIGTERM)
                assert "event: bye" in list(lines)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_taken_port_is_said(store, tmp_path):
    port = store.url.rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "ops.wall", "--port", port],
        cwd=ROOT,
        env=os.environ | {"GRIDWHISTLE_SECRETS_DIR": str(tmp_path / "secrets")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert port in done.stderr
    assert "Traceback" not in done.stderr
