"""Scripts and screens of this machine: how they get in without a browser, and nobody else."""

import pytest

from tests.wall.conftest import PASSWORD

SNAPSHOT, CASES = "/api/v1/wall/snapshot", "/api/v1/cases"
HERE = "http://127.0.0.1:8080"


def test_basic_reads_what_the_account_may_read(bench):
    bench.account()
    assert bench.http.get(CASES, auth=("desk-01", PASSWORD)).status_code == 200
    assert bench.http.get(SNAPSHOT, auth=("desk-01", PASSWORD)).status_code == 200
    assert bench.http.get(CASES).status_code == 401  # nothing is remembered


def test_a_wrong_password_is_slowed_down_like_any_other(bench):
    bench.account()
    answers = [bench.http.get(CASES, auth=("desk-01", "wrong")).status_code for _ in range(8)]
    assert set(answers) == {401, 429}
    assert bench.http.get(CASES, headers={"Authorization": "Basic ***"}).status_code in (401, 429)


def test_basic_does_not_replace_the_guard_of_actions(bench):
    bench.account()
    answer = bench.http.post(
        f"{CASES}/x/actions", json={"move": "note"}, auth=("desk-01", PASSWORD)
    )
    assert answer.status_code == 403


def test_a_wall_token_as_bearer_shows_figures_and_no_case(bench):
    headers = {"Authorization": f"Bearer {bench.secrets.wall_token('990101')}"}
    answer = bench.http.get(SNAPSHOT, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["area"] == "990101"
    assert bench.http.get(CASES, headers=headers).status_code == 401
    assert bench.http.get(SNAPSHOT, headers={"Authorization": "Bearer no"}).status_code == 401


class TestLocalWall:
    @pytest.fixture(autouse=True)
    def _allowed(self, bench):
        bench.app.state.local_wall = True

    def test_this_machine_sees_the_wall_and_no_case(self, bench):
        assert bench.http.get(f"{HERE}{SNAPSHOT}").status_code == 200
        assert bench.http.get(f"{HERE}{CASES}").status_code == 401

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
    def test_nobody_behind_a_proxy_does(self, bench, header):
        answer = bench.http.get(f"{HERE}{SNAPSHOT}", headers={header: "203.0.113.9"})
        assert answer.status_code == 401

    def test_a_name_made_to_point_here_does_not(self, bench):
        assert bench.http.get(f"http://evil.example{SNAPSHOT}").status_code == 401

    def test_it_is_off_unless_allowed(self, bench):
        bench.app.state.local_wall = False
        assert bench.http.get(f"{HERE}{SNAPSHOT}").status_code == 401
