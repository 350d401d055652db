"""Leads over HTTP, and what a dispute needs of an action."""

from __future__ import annotations

import pytest

from tests.wall.conftest import CASE_NO

GOOD = {"area": "990101001001", "class_code": "020202", "what": "三号楼楼道堆物,请核查"}


@pytest.fixture
def desk(bench):
    bench.account()
    bench.sign_in()
    return bench


def push(desk, *leads, batch="冬季消防"):
    return desk.http.post(
        "/api/v1/leads", json={"batch": batch, "leads": list(leads)}, headers={"X-Gridwhistle": "1"}
    )


def test_a_batch_is_pushed_and_each_lead_is_a_command(desk) -> None:
    answer = push(desk, GOOD, GOOD | {"what": "二号楼电动车入户充电"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["pushed"] == 2
    assert {c.move for c in desk.sent} == {"report"}
    assert {c.report.lead for c in desk.sent} == {"冬季消防"}
    assert {c.report.unit for c in desk.sent} == {"cunju-990101001001"}
    assert [c.case_no for c in desk.sent] == answer.json()["cases"]
    push(desk, GOOD)
    assert desk.sent[0].command_id == desk.sent[2].command_id


def test_nothing_is_pushed_while_anything_is_wrong(desk) -> None:
    answer = push(desk, GOOD, GOOD | {"class_code": "999999"})
    assert (answer.status_code, answer.json()["code"]) == (422, "leads")
    assert answer.json()["wrong"] == [
        {"line": 2, "field": "class_code", "reason": "事项编码 999999 不存在"}
    ]
    assert desk.sent == []
    assert push(desk, GOOD, batch="a b").status_code == 422
    assert push(desk).status_code == 422


@pytest.mark.parametrize(
    ("role", "unit", "area"), [("unit", "cunju-990101001001", ""), ("operator", "", "990101001001")]
)
def test_leads_come_from_above(bench, role, unit, area) -> None:
    bench.account("other-1", role, unit, area)
    bench.sign_in("other-1")
    answer = push(bench, GOOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert bench.sent == []


def test_progress_is_of_ones_own_area(bench) -> None:
    bench.account("county-1", "supervisor", "", "990101")
    bench.sign_in("county-1")
    row = {"code": "990101001", "pushed": 4, "checked": 3, "hazards": 1, "overdue": 1}
    bench.store.answers["线索核查进度"] = [row]
    answer = bench.http.get("/api/v1/leads?level=town&batch=冬季消防")
    assert answer.json() == {"items": [row]}
    sql, asked = bench.store.asked[-1]
    assert "线索核查进度" in sql
    assert (asked["area"], asked["digits"], asked["batch"]) == ("990101", 9, "冬季消防")


def test_an_agreement_and_its_performance_reach_the_writer(desk) -> None:
    promised = [{"what": "修复漏水", "due": "2026-12-31T18:00:00+08:00"}]
    desk.act({"move": "agree", "obligations": promised})
    desk.act({"move": "perform", "obligation": "1"}, key="key-0002")
    desk.act({"move": "check", "found": True, "reason": "有隐患"}, key="key-0003")
    agree, perform, check = desk.sent
    assert [(o.what, o.item) for o in agree.obligations] == [("修复漏水", "")]
    assert (perform.obligation, check.found, check.case_no) == ("1", True, CASE_NO)
    name = {"what": "修复", "due": "2026-12-31T18:00:00+08:00", "party": "王某"}
    assert desk.act({"move": "agree", "obligations": [name]}, key="key-0004").status_code == 422
