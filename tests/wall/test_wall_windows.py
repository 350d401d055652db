"""Repair windows over HTTP: begun, listed, ended early, refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.sqlfiles import read_sql
from ops.windows import WrongWindow, checked, places
from schemas.alarm import AlarmRecord
from schemas.case import Outcome
from schemas.window import Window
from streams.core.windows import Spot, window_of
from streams.records import WINDOW_COLUMNS, window_rows

DEVICE, GRID = "CM-990101001001-0001", "990101001001006"
NOW = datetime.fromtimestamp(1_795_300_000, UTC)
AT = 1_795_300_000_000


@pytest.fixture
def desk(bench):
    bench.answer = lambda c: Outcome(command_id=c.command_id, case_no=c.case_no)
    bench.account()
    bench.sign_in()
    return bench


def begin(desk, key="key-0001", **changes):
    body = {"scope": "device", "target": DEVICE, "reason": "更换镜头",
            "end": (NOW + timedelta(hours=2)).isoformat()}  # fmt: skip
    headers = {"X-Gridwhistle": "1", "Idempotency-Key": key}
    return desk.http.post("/api/v1/windows", json=body | changes, headers=headers)


def end(desk, window_id, key="key-0002"):
    headers = {"X-Gridwhistle": "1", "Idempotency-Key": key}
    return desk.http.delete(f"/api/v1/windows/{window_id}", headers=headers)


def row(**changes):
    return {
        "window_id": "w-1", "scope": "device", "target": DEVICE, "area": "", "events": [],
        "start_ms": AT - 1000, "end_ms": AT + 9000,
        "who": "", "by": "desk-01", "reason": "更换镜头", "villages": ["990101001001"],
        "state": "running",
    } | changes  # fmt: skip


def test_a_window_is_begun_once_however_often_it_is_sent(desk):
    first = begin(desk)
    assert first.status_code == 201, first.text
    assert first.json()["villages"] == ["990101001001"]
    again = begin(desk)
    assert again.json()["window_id"] == first.json()["window_id"]
    assert len({c.command_id for c in desk.sent}) == 1
    (one, _) = desk.sent
    assert (one.move, one.window.by, one.window.start) == ("maintain", "desk-01", NOW)
    assert begin(desk, key="key-0009").json()["window_id"] != first.json()["window_id"]


def test_a_kind_of_device_within_an_area_is_told_to_every_village_that_has_one(desk):
    answer = begin(desk, scope="kind", target="camera", area="990101001")
    villages = answer.json()["villages"]
    assert len(villages) > 1
    assert {v[:9] for v in villages} == {"990101001"}
    assert [c.case_no.split("-")[1] for c in desk.sent] == villages


def test_a_writer_that_is_late_is_said_to_be_late(desk):
    desk.answer = lambda c: None
    assert begin(desk).status_code == 202


def test_contacts_do_not_get_into_a_reason(desk):
    begin(desk, reason="联系13812345678更换")
    assert "138" not in desk.sent[0].window.reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"target": "nothing"}, "target"),
        ({"scope": "building", "target": DEVICE}, "target"),
        ({"scope": "kind", "target": "toaster"}, "target"),
        ({"scope": "grid", "target": "990101001001"}, "target"),
        ({"who": "nobody"}, "who"),
        ({"events": ["nothing."]}, "events"),
        ({"end": NOW.isoformat()}, "end"),
        ({"end": (NOW + timedelta(days=8)).isoformat()}, "end"),
        ({"start": (NOW + timedelta(days=99)).isoformat(),
          "end": (NOW + timedelta(days=99, hours=1)).isoformat()}, "start"),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused(desk, changes, field):
    answer = begin(desk, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "window")
    assert answer.json()["field"] == field
    assert desk.sent == []


def test_who_may_not(bench):
    assert begin(bench).status_code == 401
    bench.account("unit-1", "unit", "zongzhi-9901")
    bench.sign_in("unit-1")
    assert begin(bench).json()["code"] == "not_allowed"
    bench.account("other", "operator", "", "990102")
    bench.sign_in("other")
    assert begin(bench).status_code == 403
    assert begin(bench, scope="area", target="9901").status_code == 403
    bench.store.answers["Repair and test windows begun"] = [row()]
    assert end(bench, "w-1").status_code == 403
    assert begin(bench, key="").json()["code"] == "idempotency_key"
    assert bench.sent == []


def test_a_window_is_ended_early(desk):
    desk.store.answers["Repair and test windows begun"] = [row()]
    answer = end(desk, "w-1")
    assert answer.status_code == 200, answer.text
    (one,) = desk.sent
    assert (one.window.window_id, one.window.end) == ("w-1", NOW)
    assert one.window.start < NOW
    desk.store.answers["Repair and test windows begun"] = [row(state="over")]
    assert end(desk, "w-1", "key-0003").json()["code"] == "window_over"
    desk.store.answers.pop("Repair and test windows begun")
    assert end(desk, "w-9", "key-0004").status_code == 404
    assert end(desk, "video-rebuild-2612", "key-0005").json()["code"] == "window_of_profile"


def test_the_list_has_those_of_the_profile_too(desk):
    desk.store.answers["Repair and test windows begun"] = [row()]
    found = {r["window_id"]: r for r in desk.http.get("/api/v1/windows").json()["items"]}
    assert found["w-1"]["name"] == "鸿运花园主入口监控"
    grid = found["fire-test-2612"]
    assert (grid["source"], len(grid["name"]) > len("第五网格")) == ("profile", True)
    assert grid["name"].endswith("第五网格")
    desk.account("other", "operator", "", "990102")
    desk.sign_in("other")
    names = {r["window_id"] for r in desk.http.get("/api/v1/windows").json()["items"]}
    assert "fire-test-2612" not in names
    assert "video-rebuild-2612" in names  # the whole city


def test_the_store_has_the_newest_end(store, profile):
    window = Window(window_id="w-t", scope="kind", target="camera", area="990101", start=NOW,
                    end=NOW + timedelta(hours=2), by="desk-01", reason="升级")  # fmt: skip
    ended = window.model_copy(update={"end": NOW + timedelta(hours=1), "by": "desk-02"})
    rows = [
        r
        for n, one in enumerate((window, ended))
        for village in ("990101001001", "990101001002")
        for r in window_rows(AlarmRecord(key="k", village=village, window=one), n)
    ]
    store.client.insert("repair_windows", rows, column_names=WINDOW_COLUMNS)
    at = int(NOW.timestamp() * 1000)
    asked = {"window_id": "w-t", "area": "990101", "since_ms": 0, "now_ms": at + 60_000}

    def ask(**changes):
        result = store.client.query(read_sql("api/windows.sql"), parameters=asked | changes)
        return list(result.named_results())

    (found,) = ask()
    assert (found["end_ms"], found["by"], found["state"]) == (at + 3_600_000, "desk-02", "running")
    assert found["villages"] == ["990101001001", "990101001002"]
    assert ask(area="990102") == []
    assert ask(now_ms=at + 4_000_000)[0]["state"] == "over"
    assert ask(since_ms=at + 4_000_000) == []


def test_a_window_of_a_kind_ends_where_its_area_ends(profile):
    window = Window(window_id="w", scope="kind", target="camera", area=GRID, start=NOW,
                    end=NOW + timedelta(hours=1), reason="升级")  # fmt: skip
    here = Spot("d", "", GRID, "camera", "video_ai")
    assert window_of([window], here, "video.lost", NOW) is window
    assert window_of([window], here._replace(grid="990102001001001"), "video.lost", NOW) is None
    assert places(window, profile) == (GRID[:12],)
    with pytest.raises(WrongWindow):
        checked(window.model_copy(update={"area": "123456"}), profile, NOW)
