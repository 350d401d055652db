"""What comes in is wrong: repeated, late, early, changed in shape, or broken altogether."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

from ops.breakers import stopped
from ops.ledger import positions
from tests.faults.centre import Centre, fire

EVENTS = 8_000


def counts(centre: Centre, sql: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in centre.client.query(sql).result_rows}


def test_a_storm_of_duplicates(centre: Centre) -> None:
    """Eight thousand reports of forty ids: the first of each partition counts, once."""
    before, filtered = centre.rows(), centre.rows("filtered")
    centre.worker()
    centre.produce(EVENTS, make=lambda n: fire(n, source_id=f"storm-{n // 4 % 10}-{n % 4}"))
    centre.judge("8,000 reports of 40 ids")
    assert centre.rows() - before == 40
    assert centre.rows("filtered") - filtered == EVENTS - 40


def test_late_and_future_events(centre: Centre) -> None:
    """Every event is kept with the stamp of its device; a broken clock opens no partition of the
    table and moves no event out of its hour of arrival."""
    now = datetime.now(UTC)
    stamps = {
        "epoch": datetime(1970, 1, 1, tzinfo=UTC), "far": datetime(2099, 12, 31, tzinfo=UTC),
        "month": now - timedelta(days=40), "day": now - timedelta(days=1),
        "soon": now + timedelta(hours=3), "right": now - timedelta(seconds=2),
    }  # fmt: skip
    names = list(stamps)

    def make(n: int) -> bytes:
        name = names[n // 4 % len(names)]
        return fire(n, source_id=f"clock-{name}-{n}", occurred_at=stamps[name].isoformat())

    centre.worker()
    each = 800
    centre.produce(each * len(names), make=make)
    centre.judge("events of 1970, 2099, a month and a day ago, in three hours, and right ones")
    kept = "FROM events WHERE source_id LIKE 'clock-%'"
    found = counts(centre, f"SELECT splitByChar('-', source_id)[2], count() {kept} GROUP BY 1")
    assert found == dict.fromkeys(names, each)
    flags = "SELECT concat(splitByChar('-', source_id)[2], ' ', clock), count()"
    assert counts(centre, f"{flags} {kept} GROUP BY 1") == {
        "epoch past": each, "month past": each, "far future": each, "soon future": each,
        "day ": each, "right ": each,
    }  # fmt: skip
    (row,) = centre.client.query(
        f"SELECT uniqExact(_partition_id), countIf(device_ms != 0), "
        f"max(abs(occurred_ms - ingest_ms)) {kept}"
    ).result_rows
    assert row[0] <= 2, "one month, or two about midnight"
    assert row[1] == each * len(names) - each, "all stamps but 0 itself"
    assert row[2] < 26 * 3_600_000


def test_the_schema_drifts(centre: Centre) -> None:
    """A field added, removed, retyped; broken bytes; an array instead of an object."""
    before = Counter({t: centre.rows(t) for t in ("events", "dead_letters")})
    reasons = "SELECT concat(reason, ' ', field), count() FROM dead_letters FINAL GROUP BY 1"
    known = Counter(counts(centre, reasons))

    def make(n: int) -> bytes:
        match n // 4 % 8:  # three in eight are bad: half would trip the breaker
            case 0:
                return b'{"broken'
            case 1:
                return fire(n, added_field=1)  # unknown fields are dropped
            case 2:
                return fire(n).replace(b'"device_id"', b'"device"')  # removed
            case 3:
                return fire(n).replace(b"21.5", b'"warm"')  # retyped
            case 4 | 5:
                return fire(n)
            case _:
                return b"[" + b",".join(fire(n, f"p{n}-{k}") for k in range(3)) + b"]"

    centre.worker()
    centre.produce(EVENTS, make=make)
    centre.judge("fields added, removed, retyped; broken and packed records")
    share = EVENTS // 8
    assert centre.rows() - before["events"] == 3 * share + 2 * 3 * share
    assert centre.rows("dead_letters") - before["dead_letters"] == 3 * share
    assert Counter(counts(centre, reasons)) - known == {
        "not_json ": share, "missing_field device_id": share, "wrong_type value": share,
    }  # fmt: skip


def test_repaired_letters_are_put_back(centre: Centre) -> None:
    """As an operator does it: export, repair in the file, replay; the ledger stays balanced."""
    ids = "SELECT count(), uniqExact(source_id) FROM events WHERE source_id LIKE 'repair-%'"
    centre.worker()
    centre.produce(
        2_000,
        make=lambda n: (
            fire(n) if n // 4 % 5 else fire(n, f"repair-{n}").replace(b'"device_id"', b'"devise"')
        ),
    )
    centre.judge("one record in five has a misspelt field")
    letters = counts(centre, "SELECT reason, count() FROM dead_letters FINAL GROUP BY 1")
    file, fixed = centre.folder / "letters.jsonl", centre.folder / "fixed.jsonl"
    file.unlink(missing_ok=True)
    said = centre.command("deadletters", "export", str(file), "--reason", "missing_field")
    assert "已导出" in said
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    broken = [line for line in lines if "devise" in line["body"]]
    assert len(broken) == 400
    for line in broken:
        line["body"]["device_id"] = line["body"].pop("devise")
    fixed.write_text("".join(json.dumps(line) + "\n" for line in broken), "utf-8")
    assert "已放回 400 条" in centre.command("deadletters", "replay", "--file", str(fixed), "--yes")
    assert centre.adopt() == 400
    centre.judge("400 of them repaired and put back by `deadletters replay`")
    assert centre.client.query(ids).result_rows == [(400, 400)]
    assert counts(centre, "SELECT reason, count() FROM dead_letters FINAL GROUP BY 1") == letters
    assert '"sound": true' in centre.command("ledger", "--json")


def test_a_flood_of_bad_records_stops_its_partition_only(centre: Centre) -> None:
    """And `deadletters pass` lets it go on, without a restart."""
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    letters = centre.rows("dead_letters")
    centre.produce(3_000, make=lambda n: b"not json", partition=2)
    centre.wait(lambda: "STOPPED" in worker.log())
    centre.produce(2_000)
    others = [("raw.fire", n) for n in (0, 1, 3)]

    def others_done() -> bool:
        at = positions(centre.kafka)
        return all(at.committed[tp] == at.ends[tp] for tp in others)

    centre.wait(others_done)
    assert not centre.drained()
    assert centre.rows("dead_letters") - letters < 200
    (standing,) = stopped(centre.client)
    assert (standing.topic, standing.partition, standing.reason) == ("raw.fire", 2, "not_json")
    assert "已放行 raw.fire[2]" in centre.command("deadletters", "pass", "raw.fire", "2")
    centre.judge("3,000 bad records stood, the other partitions went on; then they were let pass")
    assert centre.rows("dead_letters") - letters == 3_000
    assert stopped(centre.client) == []
    assert worker.running
