"""Replaying exports: what rows become, what is rejected, pace, and that twice counts once."""

import asyncio
import csv
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.inbound.edge import Edge
from connectors.inbound.mapping import (
    SHIPPED,
    Mapping,
    MappingProblem,
    load_mapping,
    shipped_mappings,
)
from connectors.inbound.replay import Tally, entries, in_order, last_time, send_all
from connectors.inbound.table_file import FileProblem, FileRule, rows
from connectors.kafka import KafkaUnavailable
from connectors.vault import load_or_create
from schemas.raw import RAW_MODELS

MINIMAL = {
    "source": "test",
    "file": {"format": "jsonl"},
    "time": {"take": "{time?}", "formats": ["%Y-%m-%d %H:%M:%S"]},
    "reporter": {"phone": "{tel?}"},
    "fields": {"id": "{id}", "channel": "petition", "text": "{body}"},
    "skip": [{"take": "{state?}", "equals": ["draft"]}],
}


@pytest.fixture
def edge(tmp_path):
    return Edge(load_or_create(tmp_path / "keys"))


def mapping(**change):
    return Mapping.model_validate(MINIMAL | change)


def lines(path, *items):
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), "utf-8")
    return path


def run(path, chosen, edge, **more):
    tally, rejected = Tally(), []
    found = list(
        entries(
            rows(path, chosen.file), chosen, edge, tally,
            lambda line, problems: rejected.extend((line, p.field, p.code) for p in problems),
            **more,
        )
    )  # fmt: skip
    return found, tally, rejected


def test_rows_become_reports_and_the_rest_is_accounted_for(tmp_path, edge):
    path = lines(
        tmp_path / "in.jsonl",
        {"id": 7, "body": "井盖破了", "time": "2026-11-20 08:00:00", "tel": "13800138000"},
        {"id": 8, "body": "草稿", "state": "draft"},
        {"id": 9},
        {"id": 10, "body": "x", "time": "20 Nov"},
        {"id": "", "body": "x"},
        "not an object",
    )
    with path.open("ab") as file:
        file.write(b"{broken\n\n" + "井盖".encode("gbk") + b"\n")
    found, tally, rejected = run(path, mapping(), edge)
    (entry,) = found
    raw = entry.admitted.raw
    assert (raw.id, raw.source, raw.channel, raw.text) == ("7", "test", "petition", "井盖破了")
    assert raw.occurred_at.isoformat() == "2026-11-20T08:00:00+08:00"
    assert entry.admitted.contact.token == raw.reporter
    assert rejected == [
        (3, "text", "missing_field"),
        (4, "occurred_at", "bad_value"),
        (5, "id", "missing_field"),
        (6, "", "wrong_type"),
        (7, "", "not_json"),
        (9, "", "not_utf8"),
    ]
    assert (tally.read, tally.skipped, tally.rejected) == (8, 1, 6)


def test_csv_in_gb18030_with_gzip(tmp_path, edge):
    path = tmp_path / "in.csv.gz"
    day = "2026-11-20 08:00:00"
    text = f'编号,内容,时间\r\n1,"两行\n内容",{day}\r\n2,缺列\r\n3,龘,{day}\r\n'
    path.write_bytes(gzip.compress(text.encode("gb18030")))
    chosen = mapping(
        file={"format": "csv", "encoding": "gb18030"},
        time={"take": "{时间}", "formats": ["%Y-%m-%d %H:%M:%S"]},
        fields={"id": "{编号}", "channel": "petition", "text": "{内容}"},
    )
    found, _, rejected = run(path, chosen, edge)
    assert [entry.admitted.raw.text for entry in found] == ["两行\n内容", "龘"]
    assert [(line, code) for line, _, code in rejected] == [(4, "bad_value")]


def test_bad_files_say_so(tmp_path):
    with pytest.raises(FileProblem, match=r"missing\.csv"):
        list(rows(tmp_path / "missing.csv", FileRule(format="csv")))
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(FileProblem, match="表头"):
        list(rows(tmp_path / "empty.csv", FileRule(format="csv")))
    with pytest.raises(FileProblem, match="klingon"):
        list(rows(tmp_path / "empty.csv", FileRule(format="csv", encoding="klingon")))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1}\n' * 999)[:-9])
    with pytest.raises(FileProblem, match=r"cut\.jsonl\.gz"):
        list(rows(tmp_path / "cut.jsonl.gz", FileRule(format="jsonl")))


def test_progress_ends_at_the_size_of_the_file(tmp_path):
    path = lines(tmp_path / "in.jsonl", *({"id": n} for n in range(500)))
    seen = []
    assert len(list(rows(path, FileRule(format="jsonl"), progress=seen.append))) == 500
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size


def test_lookups_joins_constants_and_nested_columns(tmp_path, edge):
    path = lines(
        tmp_path / "in.jsonl",
        {"id": 1, "body": "a", "kind": "噪声", "sub": "施工", "at": {"lng": 120.5, "lat": 31.2}},
        {"id": 2, "body": "b", "kind": "噪声", "sub": "别的"},
        {"id": 3, "body": "c", "kind": "未知"},
    )
    chosen = mapping(
        fields={
            "id": "{id}",
            "channel": "petition",
            "text": {"take": "{body}/{kind}", "cut": 3},
            "lon": "{at.lng?}",
            "lat": "{at.lat?}",
            "class_code": {"lookup": ["{kind}|{sub?}", "{kind}"], "map": "kinds"},
        },
        maps={"kinds": {"噪声|施工": "080201", "噪声": "080202"}},
    )
    found, _, rejected = run(path, chosen, edge)
    assert [(e.admitted.raw.class_code, e.admitted.raw.text) for e in found] == [
        ("080201", "a/噪"),
        ("080202", "b/噪"),
    ]
    assert (found[0].admitted.raw.lon, found[0].admitted.raw.lat) == (120.5, 31.2)
    assert rejected == [(3, "class_code", "unknown_code")]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"colour": 1}, "colour"),
        ({"fields": {"id": "{id}"}}, "channel"),
        ({"fields": {"id": "{id}", "channel": "petition", "txt": "{a}"}}, "txt"),
        ({"fields": {"id": "{id}", "channel": "telepathy"}}, "telepathy"),
        ({"fields": {"id": {"lookup": ["{a}"]}, "channel": "petition"}}, "lookup needs map"),
        ({"fields": {"id": {"lookup": ["{a}"], "map": "m"}, "channel": "petition"}}, "maps.m"),
        ({"time": {"take": "{t}", "zone": "Mars/Olympus"}}, "Mars"),
        ({"file": {"format": "xls"}}, "file.format"),
        ({"source": "a b"}, "source"),
    ],
)
def test_broken_mappings_name_the_place(tmp_path, change, word):
    path = tmp_path / "m.toml"
    path.write_text(_toml(MINIMAL | change), "utf-8")
    with pytest.raises(MappingProblem, match=word):
        load_mapping(str(path))


def test_missing_and_unreadable_mappings(tmp_path):
    with pytest.raises(MappingProblem, match="petitions"):
        load_mapping("nothing")
    (tmp_path / "m.toml").write_text("source = ", "utf-8")
    with pytest.raises(MappingProblem, match=r"m\.toml"):
        load_mapping(str(tmp_path / "m.toml"))


@pytest.mark.parametrize("name", shipped_mappings())
def test_shipped_mappings_name_only_codes_there_are(name):
    taxonomy = SHIPPED.parents[1] / "schemas/profiles/qinglan/taxonomy.tsv"
    with taxonomy.open(encoding="utf-8", newline="") as file:
        codes = {row["code"] for row in csv.DictReader(file, delimiter="\t")}
    chosen = load_mapping(name)
    for table in chosen.maps.values():
        assert set(table.values()) <= codes
    assert set(chosen.fields) <= {f for model in RAW_MODELS.values() for f in model.model_fields}


def test_ids_do_not_change_between_runs(tmp_path, edge):
    path = lines(tmp_path / "in.jsonl", *({"id": n, "body": "x"} for n in range(5)))
    first, second = (run(path, mapping(), edge)[0] for _ in range(2))
    assert [e.admitted.event_id for e in first] == [e.admitted.event_id for e in second]


def test_shift_keeps_the_gaps_and_the_ids(tmp_path, edge):
    path = lines(
        tmp_path / "in.jsonl",
        {"id": 1, "body": "x", "time": "2019-01-01 10:00:00"},
        {"id": 2, "body": "x", "time": "2019-01-01 09:00:00"},
        {"id": 3, "body": "x"},
        {"id": 4, "body": "x", "time": "2020-01-01 09:00:00", "state": "draft"},
    )
    chosen = mapping()
    now = datetime(2026, 11, 20, tzinfo=UTC)
    latest = last_time(rows(path, chosen.file), chosen)
    found, _, _ = run(path, chosen, edge, shift=now - latest)
    assert [entry.at for entry in found] == [now, now - timedelta(hours=1), None]
    assert found[0].admitted.event_id == run(path, chosen, edge)[0][0].admitted.event_id
    assert [entry.line for entry in in_order(found)] == [2, 3, 1]


class FakeKafka:
    def __init__(self, failures=0):
        self.batches = []
        self.failures = failures

    async def send_many(self, records, timeout=5.0):
        if self.failures:
            self.failures -= 1
            raise KafkaUnavailable("down")
        self.batches.append(list(records))


class Clock:
    def __init__(self):
        self.now = 0.0

    async def sleep(self, seconds):
        self.now += seconds


def replayed(found, sink, **more):
    tally, clock, waits = Tally(), Clock(), []
    asyncio.run(
        send_all(
            found, sink, tally,
            on_wait=waits.append, clock=lambda: clock.now, sleep=clock.sleep, **more,
        )
    )  # fmt: skip
    return tally, clock, waits


def test_pace_follows_the_gaps(tmp_path, edge):
    path = lines(
        tmp_path / "in.jsonl",
        *({"id": n, "body": "x", "time": f"2026-01-01 10:0{n}:00"} for n in (0, 1, 1, 3)),
    )
    sink = FakeKafka()
    tally, clock, _ = replayed(run(path, mapping(), edge)[0], sink, speed=60)
    assert tally.sent == 4
    assert clock.now == 3.0
    assert [len(batch) for batch in sink.batches] == [1, 2, 1]


def test_as_fast_as_it_goes_in_batches(tmp_path, edge):
    path = lines(tmp_path / "in.jsonl", *({"id": n, "body": "x"} for n in range(1201)))
    sink = FakeKafka()
    tally, clock, _ = replayed(run(path, mapping(), edge)[0], sink)
    assert (tally.sent, clock.now) == (1201, 0.0)
    assert [len(batch) for batch in sink.batches] == [500, 500, 201]


def test_nothing_is_skipped_while_kafka_is_away(tmp_path, edge):
    path = lines(tmp_path / "in.jsonl", *({"id": n, "body": "x"} for n in range(3)))
    sink = FakeKafka(failures=6)
    tally, clock, waits = replayed(run(path, mapping(), edge)[0], sink)
    assert tally.sent == 3
    assert len(waits) == 6
    assert clock.now == 1 + 2 + 5 + 10 + 10 + 10
    assert [record.key for record in sink.batches[0]] == [b"0", b"1", b"2"]


def _toml(value, prefix=""):
    """Just enough TOML for these tests."""
    plain, tables = [], []
    for key, item in value.items():
        if isinstance(item, dict):
            inline = ", ".join(f'"{k}" = {_inline(v)}' for k, v in item.items())
            tables.append(f"{key} = {{ {inline} }}")
        else:
            plain.append(f"{key} = {_inline(item)}")
    return "\n".join(plain + tables) + "\n"


def _inline(item):
    if isinstance(item, dict):
        return "{ " + ", ".join(f'"{k}" = {_inline(v)}' for k, v in item.items()) + " }"
    return (
        json.dumps(item, ensure_ascii=False)
        if not isinstance(item, list)
        else ("[" + ", ".join(map(_inline, item)) + "]")
    )
