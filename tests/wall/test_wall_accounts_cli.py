"""The command line of accounts and walls."""

import pytest
from typer.testing import CliRunner

from ops.cli.accounts import app
from ops.wall.accounts import Secrets


@pytest.fixture
def run(tmp_path):
    def it(*words, typed=""):
        return CliRunner().invoke(app, [*words, "--data-dir", str(tmp_path)], input=typed)

    it.secrets = Secrets(tmp_path / "secrets")
    return it


def test_an_account_from_adding_to_removing(run):
    made = run("add", "desk-01", "--role", "operator", typed="correct horse\n")
    assert made.exit_code == 0, made.output
    assert run.secrets.accounts()["desk-01"].verify("correct horse")
    assert run("add", "desk-01", "--role", "operator", typed="correct horse\n").exit_code == 1
    assert "desk-01\toperator" in run("list").output
    assert run("passwd", "desk-01", typed="battery staple\n").exit_code == 0
    assert run.secrets.accounts()["desk-01"].verify("battery staple")
    assert run("remove", "desk-01").exit_code == 0
    assert run("remove", "desk-01").exit_code == 1
    assert run("passwd", "desk-01", "--generate").exit_code == 1


def test_a_generated_password_is_shown_once_and_works(run):
    made = run("add", "unit-7", "--role", "unit", "--unit", "chengguan-990101", "--generate")
    password = made.output.split("：")[1].split()[0]
    assert run.secrets.accounts()["unit-7"].verify(password)


@pytest.mark.parametrize(
    "words",
    [("add", "X", "--role", "operator"), ("add", "unit-7", "--role", "unit"),
     ("add", "desk-01", "--role", "mayor")],
)  # fmt: skip
def test_what_cannot_be_is_said_in_words(run, words):
    made = run(*words, typed="correct horse\n")
    assert made.exit_code == 1
    assert made.output.strip()
    assert run.secrets.accounts() == {}


def test_wall_tokens(run):
    token = run("wall-token", "--area", "990102").output.strip()
    assert run("wall-token", "--area", "990102").output.strip() == token
    assert run.secrets.wall_tokens() == {token: "990102"}
    fresh = run("wall-token", "--area", "990102", "--revoke").output.strip()
    assert run.secrets.wall_tokens() == {fresh: "990102"}
    assert fresh != token
