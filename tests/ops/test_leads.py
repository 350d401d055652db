"""Leads: files checked line by line, each lead once, checked under a clock, hazards go on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.leads import Lead, check, checker, commands, from_file, from_items
from schemas.case import Actor, Change, Command, Refusal
from schemas.profile_files import load_profile
from streams.core.route import Routed, Router
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from tests.cases.small_city import (
    GRID,
    RULES,
    START,
    VILLAGE,
    Story,
    lights,
    small_profile,
)

PUSHER = Actor(role="operator", id="city-1", area="9901")
WATCHMAN = Actor(role="grid_worker", id="grid-7", area=GRID)
GOOD = {"area": GRID, "class_code": "020202", "what": "三号楼楼道堆物,请核查"}
ROUTES = Router(small_profile())


def of(*items: dict[str, object], batch: str = "冬季消防") -> list[Command]:
    lines = from_items(items)
    assert check(lines, RULES, "9901", START) == []
    return commands(lines, batch, RULES, ROUTES, PUSHER, START)


def pushed(**changes: object) -> Story:
    story = Story()
    (command,) = of(GOOD | {"unit": "estate-007"} | changes)
    story.done(story.send(command))
    return story


def test_a_lead_is_a_case_with_a_clock_for_its_check() -> None:
    story = pushed()
    case = story.it
    assert (case.state, case.batch, case.unit, case.channel) == (
        "pushed", "冬季消防", "estate-007", "leads",
    )  # fmt: skip
    assert [d.clock for d in case.deadlines] == ["check"]
    assert story.changes[0].tells == ("assigned",)


def test_an_unchecked_lead_turns_yellow_and_red() -> None:
    due = (START + timedelta(days=2)).isoformat()
    story = pushed(due=due)
    assert story.it.deadlines[0].due == START + timedelta(days=2)
    assert lights(story.after(days=3)) == [("check", "yellow"), ("check", "red")]


def test_nothing_wrong_is_closed_by_whoever_pushed_it() -> None:
    story = pushed()
    story.does("check", WATCHMAN, found=False, reason="已清理,未见堆物")
    assert (story.it.state, story.it.deadlines) == ("checked", ())
    again = story.does("push_again", PUSHER, reason="照片看不清,请再核")
    assert [d.clock for d in again.case.deadlines] == ["check"]
    story.does("check", WATCHMAN, found=False, reason="补充影像")
    assert story.does("close", PUSHER).case.state == "closed"


def test_a_hazard_goes_on_as_a_case() -> None:
    story = pushed()
    found = story.does("check", WATCHMAN, found=True, reason="堆物堵塞通道")
    assert (found.case.state, [d.clock for d in found.case.deadlines]) == ("signed", ["handle"])
    owner = Actor(role="unit", unit="estate-007", area=GRID)
    story.does("handle", owner)
    assert story.does("finish", owner, reason="已清空").case.state == "done"


def test_a_check_says_what_was_found_and_is_made_there() -> None:
    story = pushed()
    blank = story.try_to("check", WATCHMAN, reason="看过了")
    assert isinstance(blank, Refusal)
    assert "(found)" in blank.detail
    elsewhere = Actor(role="grid_worker", area="990102")
    far = story.try_to("check", elsewhere, found=False, reason="x")
    assert isinstance(far, Refusal)
    assert far.code == "not_allowed"


def test_the_same_lead_of_a_batch_is_one() -> None:
    first, second = of(GOOD), of(GOOD)
    assert [c.command_id for c in first] == [c.command_id for c in second]
    assert [c.command_id for c in of(GOOD, batch="另一批")] != [c.command_id for c in first]
    story = Story()
    assert isinstance(story.send(first[0]), Change)
    assert story.send(second[0]) is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("area", "990101", "“990101” 不合格式"),
        ("area", VILLAGE + "099", "不存在"),
        ("class_code", "999999", "事项编码 999999 不存在"),
        ("what", "", "缺少此项"),
        ("place", "P9", "地点 P9 不存在"),
        ("device", "D9", "设备 D9 不存在"),
        ("unit", "gone-1", "单位 gone-1 不存在"),
        ("due", "明天", "应写作 2026-12-01T18:00"),
        ("due", "2026-01-01T00:00", "已过或不足十分钟"),
        ("phone", "13812345678", "没有这一项"),
    ],
)
def test_what_is_wrong_names_line_and_field(field: str, value: str, said: str) -> None:
    lines = from_items([GOOD | {"what": "另一处"}, GOOD | {field: value}])
    (wrong,) = check(lines, RULES, "9901", START)
    assert (wrong.line, wrong.field) == (2, field)
    assert said in wrong.reason


def test_twice_in_a_batch_and_outside_ones_area() -> None:
    (twice,) = check(from_items([GOOD, GOOD]), RULES, "9901", START)
    assert (twice.line, "第 1 行" in twice.reason) == (2, True)
    (outside,) = check(from_items([GOOD]), RULES, "990102", START)
    assert (outside.field, "不在本账号辖区" in outside.reason) == ("area", True)


def test_files(tmp_path: Path) -> None:
    tsv = tmp_path / "leads.tsv"
    tsv.write_text(f"area\tclass_code\twhat\tunit\n{GRID}\t020202\t楼道堆物\t\n坏行\n", "utf-8")
    found = from_file(tsv)
    assert [(line, lead.what) for line, lead in found.leads] == [(2, "楼道堆物")]
    assert [(w.line, w.reason) for w in found.wrong] == [(3, "有 1 列,表头有 4 列")]


def test_contacts_leave_the_text() -> None:
    (command,) = of(GOOD | {"what": "堆物业主电话13812345678"})
    assert command.report is not None
    assert "13812345678" not in command.model_dump_json()


def test_the_villages_committee_checks_what_names_nobody() -> None:
    profile = load_profile("qinglan")
    rules = Rules(profile, load_workdays(profile))
    lead = Lead(area="990101001001", class_code="020202", what="楼道堆物")
    assert checker(lead, rules, Router(profile), START) == "cunju-990101001001"


def test_who_checks_is_asked_of_the_routes_at_the_moment_of_the_push() -> None:
    asked: list[int] = []

    class Asked(Router):
        def route(
            self, class_code: str, grade: int, channel: str, area: str, at_ms: int,
            without: Collection[str] = (),
        ) -> Routed:  # fmt: skip
            asked.append(at_ms)
            return super().route(class_code, grade, channel, area, at_ms, without)

    checker(Lead.model_validate(GOOD), RULES, Asked(small_profile()), START)
    assert asked == [START.timestamp() * 1000]


def test_the_command_line_tells_all_that_is_wrong(tmp_path: Path) -> None:
    from ops.cli.leads import app

    bad = tmp_path / "leads.csv"
    bad.write_text("area,class_code,what\n990101001001,999999,看看\n1,020202,看看\n", "utf-8")
    result = CliRunner().invoke(app, ["push", str(bad), "--batch", "b", "--dry-run"])
    assert result.exit_code == 2
    assert "第 2 行 class_code:事项编码 999999 不存在" in result.output
    assert "第 3 行 area:" in result.output
    assert "一条也未下发" in result.output
