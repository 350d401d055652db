"""Accounts, wall tokens, cookies, and slowing down guessing."""

import pytest

from ops.wall.accounts import BadAccount, LooseFile, Secrets, checked
from ops.wall.sessions import LONGEST_WAIT, SESSION_SECONDS, Throttle
from tests.wall.conftest import PASSWORD


class TestAccounts:
    def test_what_is_kept_is_read_back_and_only_we_may_read_the_file(self, tmp_path):
        secrets = Secrets(tmp_path / "s")
        secrets.keep(checked("unit-7", "unit", "chengguan-990101", "990101", PASSWORD))
        path = tmp_path / "s/accounts.toml"
        assert path.stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in path.read_text()
        (account,) = Secrets(tmp_path / "s").accounts().values()
        assert (account.id, account.role, account.unit) == ("unit-7", "unit", "chengguan-990101")
        assert account.area == "990101"
        assert account.verify(PASSWORD)
        assert not account.verify(PASSWORD + "x")

    def test_a_change_on_disk_is_seen_without_a_restart(self, tmp_path):
        ours, theirs = Secrets(tmp_path), Secrets(tmp_path)
        assert ours.accounts() == {}
        theirs.keep(checked("desk-01", "operator", "", "", PASSWORD))
        assert set(ours.accounts()) == {"desk-01"}
        assert theirs.remove("desk-01")
        assert not theirs.remove("desk-01")
        assert ours.accounts() == {}

    def test_a_file_others_may_read_is_refused_with_the_remedy(self, tmp_path):
        secrets = Secrets(tmp_path)
        secrets.keep(checked("desk-01", "operator", "", "", PASSWORD))
        (tmp_path / "accounts.toml").chmod(0o644)
        with pytest.raises(LooseFile, match="chmod 600"):
            Secrets(tmp_path).accounts()

    def test_the_key_is_made_once_and_kept(self, tmp_path):
        key = Secrets(tmp_path).session_key()
        assert Secrets(tmp_path).session_key() == key
        assert len(key) >= 32
        (tmp_path / "session.key").chmod(0o644)
        with pytest.raises(LooseFile):
            Secrets(tmp_path).session_key()

    @pytest.mark.parametrize(
        ("id_", "role", "unit", "area", "password"),
        [
            ("张三", "operator", "", "", PASSWORD),
            ("x", "operator", "", "", PASSWORD),
            ("desk-01", "root", "", "", PASSWORD),
            ("desk-01", "unit", "", "", PASSWORD),
            ("desk-01", "unit", 'a"b', "", PASSWORD),
            ("desk-01", "operator", "", "county", PASSWORD),
            ("desk-01", "operator", "", "", "short"),
        ],
    )
    def test_impossible_accounts(self, id_, role, unit, area, password):
        with pytest.raises(BadAccount):
            checked(id_, role, unit, area, password)

    def test_a_wall_token_stays_until_revoked(self, tmp_path):
        secrets = Secrets(tmp_path)
        token = secrets.wall_token("990102")
        assert Secrets(tmp_path).wall_token("990102") == token
        assert secrets.wall_token() != token
        assert secrets.wall_tokens()[token] == "990102"
        secrets.revoke_wall("990102")
        assert token not in secrets.wall_tokens()
        with pytest.raises(BadAccount):
            secrets.wall_token('1"2')


class TestThrottle:
    def test_five_failures_are_free_and_then_the_wait_doubles(self):
        now = 0.0
        throttle = Throttle(lambda: now)
        waits = []
        for _ in range(8):
            waits.append(throttle.wait("a"))
            throttle.failed("a")
        assert waits == [0, 0, 0, 0, 0, 2, 4, 8]
        assert throttle.wait("b") == 0
        now = 16.0
        assert throttle.wait("a") == 0
        throttle.succeeded("a")
        throttle.failed("a")
        assert throttle.wait("a") == 0

    def test_the_wait_has_an_end_and_memory_a_bound(self):
        now = 0.0
        throttle = Throttle(lambda: now, size=3)
        for _ in range(60):
            throttle.failed("a")
        assert throttle.wait("a") == LONGEST_WAIT
        for key in "bcd":
            throttle.failed(key)
        assert throttle.wait("a") == 0
        assert len(throttle._failures) == 3


class TestSessions:
    def test_signing_in_gives_a_cookie_scripts_and_other_sites_cannot_use(self, bench):
        bench.account(area="990101")
        answer = bench.sign_in()
        assert answer.status_code == 200
        assert answer.json() == {
            "kind": "account", "role": "operator", "unit": "", "area": "990101",
            "account": "desk-01",
        }  # fmt: skip
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert f"max-age={SESSION_SECONDS}" in cookie
        assert bench.http.get("/api/v1/me").json()["account"] == "desk-01"

    def test_wrong_pairs_get_the_same_answer(self, bench):
        bench.account()
        wrong, nobody = bench.sign_in(password="x" * 12), bench.sign_in("nobody-here")
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.json() == nobody.json()
        assert "set-cookie" not in wrong.headers

    def test_guessing_is_slowed_down(self, bench):
        bench.account()
        for _ in range(5):
            assert bench.sign_in(password="wrong password").status_code == 401
        answer = bench.sign_in()
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 2
        bench.now += 3
        assert bench.sign_in().status_code == 200

    def test_a_session_ends_after_a_shift(self, bench):
        bench.account()
        bench.sign_in()
        bench.now += SESSION_SECONDS - 1
        assert bench.http.get("/api/v1/cases").status_code == 200
        bench.now += 2
        assert bench.http.get("/api/v1/cases").status_code == 401

    def test_a_new_password_or_a_removed_account_ends_sessions(self, bench):
        bench.account()
        bench.sign_in()
        bench.account()  # the same password, hashed anew
        assert bench.http.get("/api/v1/cases").status_code == 401
        bench.sign_in()
        bench.secrets.remove("desk-01")
        assert bench.http.get("/api/v1/cases").status_code == 401

    def test_a_forged_cookie_is_nobody(self, bench):
        bench.account()
        bench.http.cookies.set(
            "gridwhistle_session", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZXNrLTAxIn0."
        )
        assert bench.http.get("/api/v1/me").json() == {"kind": "nobody"}

    def test_a_wall_cookie_is_no_session(self, bench):
        bench.account()
        bench.http.get("/", params={"token": bench.secrets.wall_token()})
        bench.http.cookies.set("gridwhistle_session", bench.http.cookies["gridwhistle_wall"])
        assert bench.http.get("/api/v1/cases").status_code == 401

    def test_signing_out(self, bench):
        bench.account()
        bench.sign_in()
        assert bench.http.post("/api/v1/logout", headers={"X-Gridwhistle": "1"}).status_code == 200
        assert bench.http.get("/api/v1/me").json() == {"kind": "nobody"}


class TestWallToken:
    def test_a_token_becomes_a_cookie_and_leaves_the_address(self, bench):
        token = bench.secrets.wall_token("990102")
        answer = bench.http.get("/", params={"token": token, "lang": "en"}, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/?lang=en")
        assert bench.http.get("/api/v1/me").json()["area"] == "990102"
        assert bench.http.get("/api/v1/wall/snapshot").json()["area"] == "990102"

    def test_an_unknown_token_is_refused(self, bench):
        answer = bench.http.get("/", params={"token": "guess"}, follow_redirects=False)
        assert answer.status_code == 401
        assert bench.http.get("/api/v1/wall/snapshot").status_code == 401

    def test_revoking_ends_the_wall(self, bench):
        bench.http.get("/", params={"token": bench.secrets.wall_token()})
        assert bench.http.get("/api/v1/wall/snapshot").status_code == 200
        bench.secrets.revoke_wall()
        assert bench.http.get("/api/v1/wall/snapshot").status_code == 401

    def test_a_wall_shows_figures_and_no_cases(self, bench):
        bench.http.get("/", params={"token": bench.secrets.wall_token()})
        for path in ("cases", "events", "alerts", "cases/x", "alerts/stream"):
            assert bench.http.get(f"/api/v1/{path}").status_code == 401, path
