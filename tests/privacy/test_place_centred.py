"""The design rule: places, devices, cases and departments, never persons.

No model, table, topic or shipped query has a field for who somebody is.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from schemas import alarm, alarm_rules, alert, case, deadletter, event, profile, raw, topics, vault

ROOT = Path(__file__).parent.parent.parent

# Words a field's name is made of, split at underscores.
PERSON = {
    "person", "people", "resident", "citizen", "caller", "phone", "mobile", "tel", "telephone",
    "contact", "idcard", "identity", "passport", "face", "card", "credential", "badge", "plate",
    "birth", "birthday", "gender", "sex", "age", "ethnicity", "surname", "realname", "fullname",
    "wechat", "email", "fingerprint", "gait", "trajectory", "score",
}  # fmt: skip
# What the words mean where they are allowed.
ALLOWED = {
    "first_contact_minutes",  # a clock: when the unit first called back
    "first_contact",
    "contact-vault",
}


def persons(name: str) -> set[str]:
    return set() if name in ALLOWED else set(re.split(r"[_\W]+", name.lower())) & PERSON


def models() -> list[type[BaseModel]]:
    found = []
    for module in (alarm, alarm_rules, alert, case, deadletter, profile, raw):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, BaseModel) and thing is not BaseModel:
                found.append(thing)
    return found


def columns() -> list[tuple[str, str]]:
    found = []
    for file in sorted((ROOT / "sql" / "migrations").glob("*.sql")):
        text = re.sub(r"--[^\n]*", "", file.read_text("utf-8"))
        for table in re.finditer(r"CREATE TABLE IF NOT EXISTS (\w+)\s*\((.*?)\n\)", text, re.S):
            for line in table[2].splitlines():
                column = re.match(r"\s+(\w+)\s+[A-Z]\w+", line)
                if column and column[1] not in ("INDEX", "PROJECTION", "SELECT", "GROUP"):
                    found.append((table[1], column[1]))
    return found


@pytest.mark.parametrize("model", models(), ids=lambda m: m.__qualname__)
def test_no_model_has_a_field_for_a_person(model: type[BaseModel]) -> None:
    assert {name for name in model.model_fields if persons(name)} == set()


def test_events_have_none_either() -> None:
    assert [name for name in event.EVENT_COLUMNS if persons(name)] == []


def test_no_table_has_a_column_for_a_person() -> None:
    found = columns()
    assert ("events", "reporter") in found  # a token; the walk does see columns
    assert [c for c in found if persons(c[1])] == []


def test_a_walk_would_find_one() -> None:
    assert persons("caller_phone") == {"caller", "phone"}
    assert persons("face_id") == {"face"}
    assert persons("risk_score") == {"score"}


def test_contacts_stand_sealed_in_the_vault_alone() -> None:
    assert "sealed" in vault.Contact.model_fields
    assert {n for n in vault.Contact.model_fields if persons(n)} == set()
    carrying = [t.name for t in topics.TOPICS if t.carries.startswith("schemas.vault")]
    assert carrying == ["contact-vault"]


def test_unknown_fields_of_a_report_do_not_pass() -> None:
    read = raw.HotlineReport.model_validate(
        {"id": "1", "source": "s", "channel": "petition", "name": "张三", "phone": "13800000000"}
    )
    assert "13800000000" not in read.model_dump_json()
    assert "张三" not in read.model_dump_json()


def test_queries_ask_for_no_person() -> None:
    for file in sorted((ROOT / "sql").rglob("*.sql")):
        text = re.sub(r"--[^\n]*", "", file.read_text("utf-8")).lower()
        text = text.replace("'contact'", "")  # the clock of that name
        words = set(re.findall(r"[a-z_]+", text))
        assert not {w for w in words if persons(w)}, file.name


def test_gate_signals_are_counts_and_door_states() -> None:
    fields = set(raw.GateSignal.model_fields) - set(raw.Signal.model_fields)
    assert fields == {"channel", "event", "count", "window_seconds"}
