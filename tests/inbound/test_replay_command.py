"""The commands replay, send, topics and tokens, as a person calls them, on a broker."""

import json

import pytest
import typer
from typer.testing import CliRunner

from connectors.kafka import create_topics, describe_topics
from ops.cli.replay import replay
from ops.cli.send import send
from ops.cli.tokens import app as tokens
from ops.cli.topics import app as topics
from schemas.settings import settings
from schemas.topics import TOPICS

MAPPING = """
source = "town-hall"
[file]
format = "jsonl"
[time]
take = "{time?}"
formats = ["%Y-%m-%d %H:%M:%S"]
[fields]
id = "{id}"
channel = "petition"
text = "{body}"
"""

app = typer.Typer()
app.command()(replay)
app.command()(send)
app.add_typer(topics, name="topics")
app.add_typer(tokens, name="tokens")


@pytest.fixture(scope="module")
def address(new_broker):
    return new_broker().address


@pytest.fixture
def call(monkeypatch, tmp_path, address):
    monkeypatch.setenv("GRIDWHISTLE_KAFKA", address.bootstrap)
    monkeypatch.setenv("GRIDWHISTLE_SECRETS_DIR", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield lambda *words, **more: CliRunner().invoke(app, [str(word) for word in words], **more)
    settings.cache_clear()


@pytest.fixture
def export(tmp_path):
    (tmp_path / "m.toml").write_text(MAPPING, "utf-8")
    rows = [{"id": n, "body": "路灯不亮", "time": f"2026-11-20 08:00:0{n}"} for n in range(5)]
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"id": 9}\nnonsense\n'
    path = tmp_path / "export.jsonl"
    path.write_text(text, "utf-8")
    return path


def ends(address, topic):
    return sum(describe_topics(address, [topic])[topic].ends)


def test_topics_are_listed_and_made(call, address):
    missing = call("topics")
    assert missing.exit_code == 1
    assert "topics create" in missing.stderr
    assert f"新建 {len(TOPICS)} 个" in call("topics", "create").output
    assert "新建 0 个" in call("topics", "create").output
    listed = call("topics")
    assert listed.exit_code == 0
    assert "contact-vault" in listed.output


def test_replay_sends_the_good_and_lists_the_bad(call, address, export):
    create_topics(address)
    before = ends(address, "raw.hotline")
    result = call("replay", export, "-m", export.parent / "m.toml")
    assert result.exit_code == 1, result.output
    assert "发送 5,跳过 0,不合格 2" in result.stderr
    assert ends(address, "raw.hotline") == before + 5
    listed = (export.parent / "export.jsonl.rejects.jsonl").read_text("utf-8").splitlines()
    assert [(row["line"], row["field"], row["code"]) for row in map(json.loads, listed)] == [
        (6, "text", "missing_field"),
        (7, "", "not_json"),
    ]


def test_replay_to_the_pace_and_to_now(call, address, export):
    before = ends(address, "raw.hotline")
    result = call(
        "replay", export, "-m", export.parent / "m.toml", "--speed", 1000, "--shift-to-now",
        "--limit", 5,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert ends(address, "raw.hotline") == before + 5


def test_a_field_of_the_mapping_is_overridden(call, export):
    words = ("replay", export, "-m", export.parent / "m.toml", "--dry-run", "--limit", 1)
    result = call(*words, "--set", "area_code=340104", "--set", "title={id}")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert (shown["area_code"], shown["title"]) == ("340104", "0")
    assert call(*words, "--set", "colour=red").exit_code == 2


def test_tokens_are_handed_out_and_taken_back(call, tmp_path):
    made = call("tokens", "create", "city-12345", "-c", "hotline_12345", "-c", "petition")
    token = made.stdout.strip()
    assert len(token) == 43
    listed = call("tokens", "list").stdout
    assert "city-12345" in listed
    assert "hotline_12345,petition" in listed
    assert token not in listed
    assert call("tokens", "revoke", "city-12345").exit_code == 0
    assert call("tokens", "list").stdout == ""
    assert call("tokens", "revoke", "city-12345").exit_code == 1
    assert call("tokens", "create", "x", "-c", "telepathy").exit_code == 1


def test_dry_run_sends_nothing_and_needs_no_system(call, address, export, monkeypatch):
    monkeypatch.delenv("GRIDWHISTLE_KAFKA")
    before = ends(address, "raw.hotline")
    result = call("replay", export, "-m", export.parent / "m.toml", "--dry-run", "--show", 1)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["text"] == "路灯不亮"
    assert "第 6 行 text" in result.stderr
    assert "可发送 5" in result.stderr
    assert not list(export.parent.glob("*.rejects.jsonl"))
    assert ends(address, "raw.hotline") == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing.jsonl", "-m", "petitions"], 2, "missing.jsonl"),
        (["export.jsonl", "-m", "nothing"], 2, "petitions"),
        (["export.jsonl", "-m", "petitions", "--speed", "fast"], 2, "max"),
        (["export.jsonl", "-m", "petitions", "--speed", "-1"], 2, "max"),
        (["export.jsonl", "-m", "petitions", "--encoding", "klingon"], 2, "klingon"),
    ],
)
def test_replay_called_wrongly(call, export, words, code, said):
    result = call("replay", *words)
    assert result.exit_code == code
    assert said in result.stderr


def test_send_straight_to_kafka(call, address):
    before = ends(address, "raw.lift")
    good = call("send", "lift_iot", '{"id": "1", "device_id": "L-1", "event": "trapped"}')
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["id"] == "1"
    assert ends(address, "raw.lift") == before + 1
    piped = call("send", "lift_iot", "-", input='{"id": "2", "device_id": "L", "event": "x"}')
    assert piped.exit_code == 1
    assert "event" in piped.stderr
    assert call("send", "telepathy", "{}").exit_code == 2
    assert call("send", "lift_iot", "{}", "--format", "gb28181").exit_code == 2
    assert ends(address, "raw.lift") == before + 1
