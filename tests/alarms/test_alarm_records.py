"""Rows of alarms and verdicts, and the files of a profile that rule them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ops.reference import README
from schemas.alarm import AlarmRecord
from schemas.profile_files import check_profile, load_profile
from schemas.words import Semantics
from streams.core.alarm_tables import AlarmTables
from streams.core.decide import _QUIET
from streams.records import ALARM_COLUMNS, VERDICT_COLUMNS, alarm_rows, verdict_rows
from tests.alarms.town import Town
from tests.profiles.small_files import cell, line_where, write_street

OF_PERSONS = {"video.motion", "video.wrong_way", "video.loitering", "video.fast_move"}


def test_records_become_rows() -> None:
    town = Town()
    town.signal("S1", "fire.fault")
    town.after(minutes=3)
    (record,) = [r for r in town.kept.values() if r.alarm]
    (row,) = alarm_rows(record, 17)
    assert len(row) == len(ALARM_COLUMNS)
    found = dict(zip(ALARM_COLUMNS, row, strict=True))
    assert (found["version"], found["state"], found["raises"]) == (17, "raised", 1)
    said = [dict(zip(VERDICT_COLUMNS, r, strict=True)) for r in verdict_rows(record)]
    assert [(s["outcome"], s["event_id"], bool(s["case_no"])) for s in said] == [
        ("released", "e1", True)
    ]
    assert alarm_rows(AlarmRecord(key="watch|x", village="990101001001"), 1) == ()


def test_every_row_of_the_device_table_has_a_fate() -> None:
    """Every code: raised ones have a rule, all others a disposition; persons are left alone."""
    profile = load_profile("qinglan")
    tables = AlarmTables(profile)
    assert set(get_args(Semantics)) == set(_QUIET)
    for row in profile.device_events:
        if row.event_code in OF_PERSONS:
            assert row.semantics == "ignore"
        elif row.semantics in ("raise", "threshold") and row.taxonomy_code:
            rules = [r for r in profile.alarm_rules
                     if not r.events or row.event_code.startswith(r.events)]  # fmt: skip
            assert rules
            assert row.grade > 1 or not rules[0].hold_seconds
        elif row.semantics == "clear":
            assert row.event_code in tables.named
        else:
            assert row.semantics in _QUIET


@pytest.fixture
def street(tmp_path: Path) -> Path:
    return write_street(tmp_path / "street")


@pytest.mark.parametrize(
    ("file", "row", "column", "value", "told"),
    [
        ("alarm_rules.tsv", "fire\t", "hold_seconds", "60", "不得等待消抖"),
        ("alarm_rules.tsv", "lift-people", "maintenance", "suppress", "也要有人看"),
        ("alarm_rules.tsv", "fire-fault", "flap_minutes", "", "须同时填写"),
        ("alarm_rules.tsv", "fire-fault", "quiet_minutes", "", "没有结束的条件"),
        ("alarm_rules.tsv", "ebike", "cleared_by", "lift.ebike_in", "不是恢复"),
        ("alarm_rules.tsv", "door", "events", "dor.", "没有以 dor. 开头的事件"),
        ("alarm_rules.tsv", "door", "flap_count", "99", "不大于 16"),
        ("alarm_patterns.tsv", "falls", "steps", "hat.falling_object", "共 1 步"),
        ("alarm_patterns.tsv", "falls", "steps", "video.motion ×2", "只记录、不告警"),
        ("alarm_patterns.tsv", "falls", "steps", "hat.thing ×2", "不在 device_events.tsv"),
        ("alarm_patterns.tsv", "ebike-evenings", "class_code", "", "须写明类别"),
        ("alarm_patterns.tsv", "ebike-evenings", "hours", "25:00-26:00", "不是 00:00 至 23:59"),
        ("maintenance.tsv", "video-rebuild", "end", "2026-12-14T00:00", "不晚于开始时间"),
        ("maintenance.tsv", "video-rebuild", "start", "明天", "不是时间"),
        ("maintenance.tsv", "video-rebuild", "target", "toaster", "没有这个设备种类"),
        ("maintenance.tsv", "video-rebuild", "who", "nobody", "不在 units.tsv"),
        ("heartbeats.tsv", "camera", "kinds", "door", "与第 2 行重复"),
        ("heartbeats.tsv", "camera", "silent_minutes", "0", "大于 0"),
    ],
)
def test_the_checker_names_file_line_field_and_reason(
    street: Path, file: str, row: str, column: str, value: str, told: str
) -> None:
    line = line_where(street / file, row)
    cell(street / file, line, column, value)
    found = [p for p in check_profile(street) if p.file == file and told in p.reason]
    assert [(p.line, p.field) for p in found][:1] == [(line, column)], check_profile(street)


def test_person_analytics_switched_on_are_pointed_out(street: Path) -> None:
    line = line_where(street / "device_events.tsv", "video.loitering")
    cell(street / "device_events.tsv", line, "semantics", "raise")
    (found,) = [p for p in check_profile(street) if "人的行为分析" in p.reason]
    assert (found.line, found.field, found.warning) == (line, "semantics", True)


def test_a_profile_needs_none_of_the_alarm_files(street: Path) -> None:
    for name in ("alarm_rules", "alarm_patterns", "maintenance", "heartbeats"):
        (street / f"{name}.tsv").unlink()
    assert [p for p in check_profile(street) if not p.warning] == []
    assert load_profile(street).alarm_rules == ()


def test_readme_names_the_files() -> None:
    text = README.read_text("utf-8")
    for name in ("alarm_rules.tsv", "alarm_patterns.tsv", "maintenance.tsv", "heartbeats.tsv"):
        assert name in text
