"""The HTTP interface: who may ask what, problems, actions and their answers."""

import asyncio
from datetime import UTC, datetime

import pytest

from connectors.kafka_address import KafkaUnavailable
from ops.wall.problem import REFUSALS
from schemas.case import Actor, Case, Change, Outcome, Refusal
from schemas.event import Event
from schemas.ids import command_id
from tests.wall.conftest import CASE_NO, EMPTY_CITY

AT = datetime(2026, 11, 22, tzinfo=UTC)
EVENT_ROW = Event(
    "raw.hotline", 0, 7, 0, "e-1", "hotline_12345", "t", "1", 0, 0, 1000, "missing", "", "",
    "report", 0.0, "", "", "井盖没了", "060201", 0.9, ("060201",), (), 2, False, "990101",
    "990101001", "990101001001", "990101001001001", "", 120.1, 30.2, "point", 0.9, "u", "town", "r",
    CASE_NO, "case", "tok", False, False,
)._asdict()  # fmt: skip
NOTE = {"move": "note", "reason": "已电话核实"}


def case(version=4, **more):
    return Case(
        case_no=CASE_NO, village="990101001001", version=version, state="signed", title="井盖缺失",
        unit="chengguan-990101", opened_at=AT, updated_at=AT, **more,
    )  # fmt: skip


def done(command):
    change = Change(
        change_id="c", command_id=command.command_id, move=command.move, from_state="dispatched",
        at=AT, actor=command.actor, case=case(),
    )  # fmt: skip
    return Outcome(command_id=command.command_id, case_no=command.case_no, change=change)


def refused(code):
    def answer(command):
        refusal = Refusal(code=code, detail="不行", possible=("sign",))
        return Outcome(command_id=command.command_id, case_no=command.case_no, refusal=refusal)

    return answer


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    return answer.json()


@pytest.fixture
def desk(bench):
    """Signed in as an operator of the whole city, with a writer that agrees to everything."""
    bench.account()
    bench.sign_in()
    bench.answer = done
    return bench


class TestActions:
    def test_a_move_is_sent_to_the_writer_and_its_answer_given(self, desk):
        answer = desk.act({**NOTE, "alert_id": "a-1"}, **{"If-Match": '"3"'})
        assert answer.status_code == 200
        assert answer.headers["etag"] == '"4"'
        assert answer.json()["case"]["state"] == "signed"
        (command,) = desk.sent
        assert command.command_id == command_id("desk-01\x1fkey-0001", "note", CASE_NO)
        assert command.actor == Actor(role="operator", id="desk-01")
        assert (command.reason, command.alert_id) == ("已电话核实", "a-1")
        assert command.expected_version == 3
        assert command.at.timestamp() == desk.now

    def test_taking_a_report_out_carries_the_report(self, desk):
        row = EVENT_ROW | {"event_id": "e-2", "case_no": "20261122-990101001001-OWNNO7"}
        desk.store.answers["One event with everything"] = [row]
        desk.store.answers["-- One case"] = [{"body": case().model_dump_json(), "county": "x"}]
        split = {"move": "unmerge", "reason": "两件事", "event_id": "e-2"}
        assert desk.act(split).status_code == 200
        (command,) = desk.sent
        assert (command.move, command.distinct_from) == ("unmerge", row["case_no"])
        assert (command.report.event_id, command.report.text) == ("e-2", "井盖没了")
        desk.store.answers["One event with everything"] = []
        problem(desk.act(split, key="key-0002"), 422, "field_missing")
        problem(desk.act(NOTE | {"event_id": "e-2"}, key="key-0003"), 422, "field_missing")
        assert len(desk.sent) == 1

    @pytest.mark.parametrize(("code", "status"), sorted(REFUSALS.items()))
    def test_each_refusal_is_a_problem_with_its_status(self, desk, code, status):
        desk.answer = refused(code)
        body = problem(desk.act(NOTE), status, code)
        assert body["detail"] == "不行"
        assert body["possible"] == ["sign"]

    def test_the_same_key_is_sent_once(self, desk):
        first, again = desk.act(NOTE), desk.act(NOTE)
        assert first.json() == again.json()
        assert len(desk.sent) == 1
        assert desk.act(NOTE, key="key-0002").status_code == 200
        assert len(desk.sent) == 2

    def test_two_accounts_with_the_same_key_do_not_meet(self, desk):
        desk.act(NOTE)
        desk.account("desk-02")
        desk.sign_in("desk-02")
        desk.act(NOTE)
        assert len({c.command_id for c in desk.sent}) == 2

    def test_an_answer_that_is_late_is_202(self, desk, monkeypatch):
        monkeypatch.setattr("ops.wall.actions.ANSWER_SECONDS", 0.01)
        desk.answer = lambda command: None
        answer = desk.act(NOTE)
        assert answer.status_code == 202
        assert answer.json()["pending"] is True
        assert desk.outcomes._waiting == {}

    def test_an_answer_that_was_missed_is_found_in_the_store(self, desk, monkeypatch):
        monkeypatch.setattr("ops.wall.actions.ANSWER_SECONDS", 0.01)
        desk.answer = lambda command: desk.store.answers.update(
            {"The change a command caused": [{"body": done(command).change.model_dump_json()}]}
        )
        answer = desk.act(NOTE)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"4"')

    def test_without_kafka_it_says_so_and_may_be_tried_again(self, desk):
        async def down(topic, key, value):
            raise KafkaUnavailable("gone")

        desk.app.state.send = down
        answer = desk.act(NOTE)
        problem(answer, 503, "kafka_down")
        assert answer.headers["retry-after"]

    @pytest.mark.parametrize(
        ("body", "more", "status", "code"),
        [
            (NOTE, {"case_no": "20261122-1-x"}, 404, "unknown_case"),
            (NOTE, {"key": ""}, 400, "idempotency_key"),
            (NOTE, {"key": "short"}, 400, "idempotency_key"),
            (NOTE, {"If-Match": "3"}, 400, "if_match"),
            ({"move": "overdue"}, {}, 422, "invalid"),
            ({"move": "report"}, {}, 422, "invalid"),
            ({"move": "note", "actor": {"role": "system"}}, {}, 422, "invalid"),
            ({"move": "follow_up", "satisfaction": 6}, {}, 422, "invalid"),
        ],
    )
    def test_what_cannot_be_sent(self, desk, body, more, status, code):
        problem(desk.act(body, **more), status, code)
        assert desk.sent == []

    def test_validation_does_not_repeat_what_was_written(self, desk):
        answer = desk.act({"move": "note", "reason": "电话 13800000000 " * 300})
        assert "13800000000" not in problem(answer, 422, "invalid")["detail"]
        assert "13800000000" not in answer.text

    def test_another_sites_page_cannot_act(self, desk):
        answer = desk.http.post(
            f"/api/v1/cases/{CASE_NO}/actions", json=NOTE, headers={"Idempotency-Key": "key-0001"}
        )
        problem(answer, 403, "header_missing")
        problem(desk.http.post("/api/v1/logout"), 403, "header_missing")
        assert desk.sent == []

    def test_who_may_not_act(self, desk):
        desk.account("guest", "viewer")
        desk.sign_in("guest")
        problem(desk.act(NOTE), 403, "not_allowed")
        desk.account("other", "operator", area="990102")
        desk.sign_in("other")
        problem(desk.act(NOTE), 403, "not_allowed")
        assert desk.sent == []

    def test_a_grid_wide_account_acts_in_its_village(self, desk):
        desk.account("grid-1", "unit", "wangge-1", area="990101001001002")
        desk.sign_in("grid-1")
        assert desk.act({"move": "sign"}).status_code == 200
        assert desk.sent[0].actor.area == "990101001001002"

    def test_nobody_may_not_act(self, bench):
        problem(bench.act(NOTE), 401, "sign_in")


class TestReading:
    def test_region_and_unit_are_parameters_of_every_query(self, desk):
        desk.account("unit-1", "unit", "chengguan-990101", area="990101")
        desk.sign_in("unit-1")
        desk.store.asked.clear()
        for path in ("events", "cases", "alerts?unit=another-unit", f"cases/{CASE_NO}"):
            desk.http.get(f"/api/v1/{path}")
        assert len(desk.store.asked) == 4
        for sql, parameters in desk.store.asked:
            assert (parameters["area"], parameters["unit_only"]) == ("990101", "chengguan-990101")
            assert "{area:String}" in sql
            assert "{unit_only:String}" in sql
            assert "990101" not in sql

    def test_an_operator_sees_all_units(self, desk):
        desk.http.get("/api/v1/cases")
        assert desk.store.asked[-1][1]["unit_only"] == ""

    def test_filters_become_parameters(self, desk):
        desk.http.get(
            "/api/v1/cases?state=signed,handling&light=red&class=0201&grade=1&open=true&order=due"
            "&q=%27;drop&since=2026-11-01T00:00:00%2B08:00&simulated=false&limit=7"
        )
        asked = desk.store.asked[-1][1]
        assert asked["states"] == ["signed", "handling"]
        assert (asked["lights"], asked["class"], asked["grade"]) == (["red"], "0201", 1)
        assert (asked["open"], asked["order"], asked["q"]) == (1, "due", "';drop")
        assert (asked["simulated"], asked["test"], asked["limit"]) == (0, 0, 7)
        assert asked["since_ms"] == 1_793_462_400_000

    @pytest.mark.parametrize(
        "query",
        ["limit=501", "limit=0", "grade=9", "class=12x", "simulated=maybe", "colour=red",
         "since=yesterday", "since=2026-11-01T00:00:00", "state=a;b"],
    )  # fmt: skip
    def test_filters_that_make_no_sense(self, desk, query):
        problem(desk.http.get(f"/api/v1/cases?{query}"), 422, "invalid")

    def test_pages_follow_each_other(self, desk):
        desk.store.answers["Events by filters"] = [{"ingest_ms": 17, "event_id": "e 1"}]
        page = desk.http.get("/api/v1/events?limit=1").json()
        desk.http.get("/api/v1/events", params={"limit": 1, "cursor": page["next"]})
        asked = desk.store.asked[-1][1]
        assert (asked["before_ms"], asked["before_id"]) == (17, "e 1")
        assert desk.http.get("/api/v1/events?limit=2").json()["next"] is None
        problem(desk.http.get("/api/v1/events?cursor=!"), 400, "bad_cursor")

    def test_a_case_comes_with_its_version_and_what_may_be_done(self, desk):
        body = case(grid="990101001001001").model_dump_json(exclude_defaults=True)
        desk.store.answers["One case, whole"] = [{"county": "990101", "body": body}]
        answer = desk.http.get(f"/api/v1/cases/{CASE_NO}")
        assert answer.headers["etag"] == '"4"'
        found = answer.json()
        assert found["case"]["grade"] == 3
        assert found["grid_name"]
        moves = {p["move"]: p["needs"] for p in found["possible"]}
        assert "sign" not in moves
        assert moves["note"] == ["reason"]
        assert moves["acknowledge"] == ["alert_id"]
        desk.account("unit-1", "unit", "chengguan-990101")
        desk.sign_in("unit-1")
        moves = [p["move"] for p in desk.http.get(f"/api/v1/cases/{CASE_NO}").json()["possible"]]
        assert "request_return" in moves
        desk.account("guest", "viewer")
        desk.sign_in("guest")
        assert desk.http.get(f"/api/v1/cases/{CASE_NO}").json()["possible"] == []

    def test_a_case_outside_the_region_is_not_there(self, desk):
        problem(desk.http.get(f"/api/v1/cases/{CASE_NO}"), 404, "unknown_case")

    def test_a_bug_is_a_problem_too_and_is_raised_for_the_log(self, desk):
        async def broken(sql, parameters):
            raise ZeroDivisionError

        desk.store.rows = broken
        with pytest.raises(ZeroDivisionError):
            desk.http.get("/api/v1/cases")

    def test_a_store_that_is_down_is_503(self, desk):
        desk.store.down = "refused"
        answer = desk.http.get("/api/v1/cases")
        problem(answer, 503, "store_down")
        assert answer.headers["retry-after"]


class TestWall:
    def test_snapshot_needs_a_sign_in_or_a_token(self, bench):
        for path in ("wall/snapshot", "wall/stream", "geo/grids", "names"):
            problem(bench.http.get(f"/api/v1/{path}"), 401, "sign_in")

    def test_the_map_is_zipped_and_asked_for_once(self, desk, profile):
        answer = desk.http.get("/api/v1/geo/grids")
        assert answer.headers["content-encoding"] == "gzip"
        levels = [f["properties"]["level"] for f in answer.json()["features"]]
        assert levels.count("grid") == len(profile.rings)
        assert levels.count("county") == sum(a.level == "county" for a in profile.areas.values())
        assert set(levels) == {"grid", "town", "county", "label"}
        again = desk.http.get(
            "/api/v1/geo/grids", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")

    def test_a_region_gets_its_part_of_the_map(self, bench):
        bench.http.get("/", params={"token": bench.secrets.wall_token("990101")})
        features = bench.http.get("/api/v1/geo/grids").json()["features"]
        grids = [f["properties"]["code"] for f in features if f["properties"]["level"] == "grid"]
        assert grids == sorted(grids)
        assert all(code.startswith("990101") for code in grids)
        tiles = bench.http.get("/api/v1/wall/snapshot").json()["tiles"]
        assert len(tiles["by_grid"]) == len(grids)

    def test_the_words_of_the_profile(self, desk, profile):
        names = desk.http.get("/api/v1/names").json()
        assert names["centre"] == [profile.station.centre, profile.station.centre_en]
        assert set(names["units"]) == set(profile.units)
        assert names["states"]["signed"] == ["签收", "signed"]


class TestPages:
    @pytest.mark.parametrize("path", ["/", "/console", "/static/wall.js", "/openapi.json", "/none"])
    def test_every_answer_is_locked_down(self, bench, path):
        headers = bench.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"

    def test_pages_load_nothing_from_elsewhere_and_have_no_inline_scripts(self, bench):
        for path in ("/", "/console"):
            page = bench.http.get(path).text
            assert "//" not in page.replace("<!doctype html>", "")
            assert page.count("<script") == page.count('<script type="module" src="/static/')
            assert "style=" not in page

    def test_no_page_outside_the_folder(self, bench):
        for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static/none.js"):
            assert bench.http.get(path).status_code == 404

    def test_documentation_does_not_come_from_a_cdn(self, bench):
        assert bench.http.get("/docs").status_code == 404
        paths = bench.http.get("/openapi.json").json()["paths"]
        assert {"/api/v1/wall/snapshot", "/api/v1/events", "/api/v1/cases"} <= set(paths)
        assert paths["/api/v1/cases/{case_no}/actions"]["post"]["summary"]


class TestHealth:
    def test_ready_when_store_kafka_and_ticking_are(self, bench):
        async def ticked():
            async with bench.app.router.lifespan_context(bench.app):
                while not bench.app.state.feeds.ticked_ms:
                    await asyncio.sleep(0.01)

        body = bench.http.get("/readyz").json()
        assert set(body["missing"]) == {"wall"}
        asyncio.run(ticked())
        assert bench.http.get("/readyz").status_code == 200
        bench.now += 60
        assert set(bench.http.get("/readyz").json()["missing"]) == {"wall"}

    def test_what_is_missing_is_said(self, bench):
        bench.store.down, bench.kafka = "connection refused", "Kafka 未连接"
        answer = bench.http.get("/readyz")
        assert answer.status_code == 503
        assert set(answer.json()["missing"]) == {"store", "kafka", "wall"}
        assert "connection refused" in answer.json()["missing"]["store"]

    def test_missing_tables_are_said(self, bench):
        bench.store.answers["Whether the store answers"] = [{"tables": 0}]
        assert "migrate" in bench.http.get("/readyz").json()["missing"]["store"]
        assert EMPTY_CITY["Whether the store answers"] == [{"tables": 4}]

    def test_alive_and_metrics_need_nothing(self, bench):
        bench.store.down = "gone"
        assert bench.http.get("/healthz").status_code == 200
        assert "gridwhistle_wall_requests_total" in bench.http.get("/metrics").text
