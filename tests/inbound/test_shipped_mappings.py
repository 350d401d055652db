"""Shipped mappings on rows in the form of their exports."""

import csv
import json

import pytest

from connectors.inbound.examples import example_edge
from connectors.inbound.mapping import load_mapping, shipped_mappings
from connectors.inbound.replay import Tally, entries
from connectors.inbound.table_file import rows

NYC = {
    "Unique Key": "1", "Created Date": "05/01/2022 12:00:03 AM", "Complaint Type": "Rodent",
    "Descriptor": "Rat Sighting", "Location Type": "Yard", "Incident Address": "1 ANY STREET",
    "Borough": "QUEENS", "Latitude": "40.7", "Longitude": "-73.9",
}  # fmt: skip
CALL = {
    "lat": "40.1", "lng": "-75.3", "title": "Fire: GAS-ODOR/LEAK", "time": "2018-11-15 13:25",
    "township": "ANYTOWN", "address": "A ST & B ST",
}  # fmt: skip
LETTER = {"id": "7", "user": "U1", "subject": "路灯", "time": "2019-02-28 11:25:05", "body": "不亮"}


def replayed(name, path):
    chosen, found = load_mapping(name), []
    listed = entries(
        rows(path, chosen.file),
        chosen,
        example_edge(),
        Tally(),
        lambda line, problems: found.append((line, problems)),
    )
    return [entry.admitted.raw for entry in listed], found


def table(path, *items):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, items[0])
        writer.writeheader()
        writer.writerows(items)
    return path


def test_every_shipped_mapping_has_a_test_here():
    assert shipped_mappings() == ["montgomery911", "nyc311", "petitions"]


@pytest.mark.parametrize(
    ("kind", "detail", "code"),
    [
        ("Rodent", "Rat Sighting", "120106"),
        ("Illegal Parking", "Blocked Hydrant", "020201"),
        ("Illegal Parking", "Anything new", "070101"),
    ],
)
def test_nyc311(tmp_path, kind, detail, code):
    row = NYC | {"Complaint Type": kind, "Descriptor": detail}
    (raw,), bad = replayed("nyc311", table(tmp_path / "in.csv", row))
    assert not bad
    assert (raw.channel, raw.id, raw.class_code, raw.area_code) == (
        "hotline_12345",
        "1",
        code,
        "9901",
    )
    assert raw.occurred_at.isoformat() == "2022-05-01T00:00:03-04:00"
    assert detail in raw.text
    assert raw.lon is None  # New York does not lie in the city that replays it


def test_nyc311_names_a_type_it_does_not_know(tmp_path):
    found, bad = replayed("nyc311", table(tmp_path / "in.csv", NYC | {"Complaint Type": "Dragons"}))
    assert found == []
    assert [(line, p[0].field, p[0].code) for line, p in bad] == [(2, "class_code", "unknown_code")]


def test_montgomery911(tmp_path):
    path = table(tmp_path / "in.csv", CALL, CALL, CALL | {"title": "Fire: SOMETHING ELSE"})
    found, bad = replayed("montgomery911", path)
    assert not bad
    assert [raw.class_code for raw in found] == ["030301", "030301", "110306"]
    assert len({raw.id for raw in found}) == 3
    assert found[0].occurred_at.isoformat() == "2018-11-15T13:25:00-05:00"


def test_petitions_with_and_without_user(tmp_path):
    path = tmp_path / "in.jsonl"
    without = {key: value for key, value in LETTER.items() if key != "user"} | {"level1": "x"}
    path.write_text(json.dumps(LETTER) + "\n" + json.dumps(without) + "\n", "utf-8")
    (first, second), bad = replayed("petitions", path)
    assert not bad
    assert (first.title, first.text, first.channel) == ("路灯", "不亮", "petition")
    assert first.reporter.startswith("r-")
    assert second.reporter == ""
    assert first.occurred_at.isoformat() == "2019-02-28T11:25:05+08:00"
