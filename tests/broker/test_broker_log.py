"""The log on disk by itself: batches, recovery, compaction interrupted anywhere, journals."""

import json
import os
import shutil
import struct
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from ops.broker.batch import header_at, parse_produced, records, unpack
from ops.broker.codes import Code, Refused
from ops.broker.compaction import compact
from ops.broker.compression import CODECS, compress, decompress
from ops.broker.journal import REWRITE_LINES, Journal
from ops.broker.log import PartitionLog
from ops.broker.segment import store
from ops.broker.topic_config import MIB, TopicConfig, parse, shown
from ops.broker.upkeep import adopt, expired, plan

pytestmark = pytest.mark.embedded_only
ROW = tuple[bytes | None, bytes | None]


def batch(rows: list[ROW], stamp: int = 0, codec: int = 0, producer: Any = (-1, -1, -1)) -> bytes:
    pid, epoch, sequence = producer
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=False,
        producer_id=pid,
        producer_epoch=epoch,
        base_sequence=sequence,
        batch_size=64 << 20,
    )
    for n, (key, value) in enumerate(rows):
        builder.append(n, timestamp=stamp, key=key, value=value, headers=[])
    return bytes(builder.build())


def contents(log: PartitionLog, max_bytes: int = 1 << 20) -> dict[int, ROW]:
    """Offset → key and value size marker, read as a consumer reads."""
    found: dict[int, ROW] = {}
    at = log.start
    while at < log.end:
        data = log.read(at, max_bytes)
        if not data:
            break
        position = 0
        while position < len(data):
            header = header_at(data, position)
            unpacked = unpack(data, header, position)
            for record in records(unpacked, header.record_count):
                body = unpacked[record.start : record.end]
                offset = header.base_offset + record.delta
                if offset >= log.start:
                    found[offset] = (record.key, None if record.tombstone else body)
            position += header.size
            at = header.last_offset + 1
    return found


def save(log: PartitionLog) -> None:
    """What housekeeping does with snapshots."""
    log.snapshots.append((log.active.path, log.active.snapshot(log.producers.dump())))
    while log.snapshots:
        store(*log.snapshots.pop(0))


def shape(found: dict[int, ROW]) -> dict[int, bytes | None]:
    return {offset: key for offset, (key, _) in found.items()}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40), st.integers(0, 3000)),
        st.tuples(st.just("reopen"), st.booleans(), st.binary(max_size=100)),
        st.tuples(st.just("roll"), st.none(), st.none()),
        st.tuples(st.just("delete"), st.integers(0, 100), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 20_000))
def test_a_log_holds_what_was_appended_through_crashes(steps: Any, max_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        log = PartitionLog(Path(directory), TopicConfig())
        wanted: dict[int, bytes] = {}
        start = count = 0
        for step, first, second in steps:
            if step == "append":
                keys = [b"%d" % (count + n) for n in range(first)]
                offset = log.append(batch([(key, b"v" * second) for key in keys])).offset
                assert offset == count
                wanted |= {offset + n: key for n, key in enumerate(keys)}
                count += first
            elif step == "roll":
                log.roll()
            elif step == "delete":
                start = max(start, count * first // 100)
                for segment in log.delete_before(start):
                    segment.remove()
            else:
                if first:
                    save(log)
                path, size = log.active.path, log.active.size
                log.close()
                if size:
                    with path.open("ab") as file:
                        file.write(second)
                log = PartitionLog(Path(directory), TopicConfig())
            assert (log.start, log.end) == (start, count)
        found = contents(log, max_bytes)
        assert shape(found) == {n: key for n, key in wanted.items() if n >= start}
        log.close()


def test_a_damaged_sum_ends_recovery_there(tmp_path: Path) -> None:
    log = PartitionLog(tmp_path, TopicConfig())
    for n in range(10):
        log.append(batch([(b"%d" % n, b"x" * 100)]))
    path, size = log.active.path, log.active.size
    log.close()
    data = bytearray(path.read_bytes())
    data[size - 5] ^= 1
    path.write_bytes(data)
    log = PartitionLog(tmp_path, TopicConfig())
    assert log.end == 9
    assert log.append(batch([(b"again", b"x")])).offset == 9
    log.close()


@pytest.mark.parametrize("saved", [True, False])
def test_sequences_of_producers_survive(tmp_path: Path, saved: bool) -> None:
    log = PartitionLog(tmp_path, TopicConfig())
    for n in range(8):
        log.append(batch([(b"k", b"v")], producer=(7, 0, n)))
    if saved:
        save(log)
    log.append(batch([(b"k", b"v")], producer=(7, 0, 8)))
    log.close()
    log = PartitionLog(tmp_path, TopicConfig())
    repeat = log.append(batch([(b"k", b"v")], producer=(7, 0, 8)))
    assert (repeat.offset, repeat.repeated) == (8, True)
    with pytest.raises(Refused) as caught:
        log.append(batch([(b"k", b"v")], producer=(7, 0, 11)))
    assert caught.value.code is Code.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert log.append(batch([(b"k", b"v")], producer=(7, 0, 9))).offset == 9
    log.close()


def test_a_sequence_goes_round_at_its_end(tmp_path: Path) -> None:
    log = PartitionLog(tmp_path, TopicConfig())
    log.append(batch([(b"k", b"v")] * 3, producer=(7, 0, 2**31 - 2)))
    assert log.append(batch([(b"k", b"v")], producer=(7, 0, 1))).offset == 3
    log.close()


def compacted_log(directory: Path, keys: int = 50, count: int = 6000) -> PartitionLog:
    config = TopicConfig(cleanup_policy="compact", segment_bytes=MIB)
    log = PartitionLog(directory, config)
    for start in range(0, count, 20):
        log.append(
            batch([(b"%d" % (n % keys), b"%d" % n + b"x" * 1000) for n in range(start, start + 20)])
        )
    return log


def last_values(log: PartitionLog) -> dict[bytes | None, bytes | None]:
    return {key: body for _, (key, body) in sorted(contents(log).items())}


def test_compaction_can_be_interrupted_between_any_two_steps(tmp_path: Path) -> None:
    log = compacted_log(tmp_path / "log", keys=2000)
    wanted, end = last_values(log), log.end
    save(log)
    planned = plan(log, time.time() + 1)
    assert planned is not None
    done = compact(planned, threading.Event())
    assert len(done.segments) > 1
    drafts = [segment.path for segment in done.segments]
    log.close()
    for steps in range(len(drafts) + 1):
        crashed = tmp_path / f"crashed-{steps}"
        shutil.copytree(tmp_path / "log", crashed)
        for draft in drafts[:steps]:
            here = crashed / draft.name
            here.with_suffix(".state").unlink(missing_ok=True)
            here.replace(here.with_suffix(".log"))
        again = PartitionLog(crashed, log.config)
        assert (again.start, again.end) == (0, end)
        assert last_values(again) == wanted
        assert not list(crashed.glob("*.cleaned"))
        again.close()


def test_compaction_shrinks_and_its_result_reopens(tmp_path: Path) -> None:
    log = compacted_log(tmp_path)
    wanted, before = last_values(log), log.size
    save(log)
    planned = plan(log, time.time() + 1)
    assert planned is not None
    for segment in adopt(log, planned, compact(planned, threading.Event())):
        segment.remove()
    assert log.size < before / 3
    assert last_values(log) == wanted
    assert plan(log, time.time() + 1) is None
    end = log.end
    log.close()
    log = PartitionLog(tmp_path, log.config)
    assert log.end == end
    assert last_values(log) == wanted
    assert log.append(batch([(b"new", b"v")])).offset == end
    log.close()


def test_a_stale_index_is_not_used_for_a_compacted_file(tmp_path: Path) -> None:
    log = compacted_log(tmp_path)
    wanted = last_values(log)
    planned = plan(log, time.time() + 1)
    assert planned is not None
    done = compact(planned, threading.Event())
    save(log)
    states = {path: path.read_bytes() for path in tmp_path.glob("*.state")}
    for segment in adopt(log, planned, done):
        segment.remove()
    log.close()
    for path, data in states.items():
        path.write_bytes(data)
    log = PartitionLog(tmp_path, log.config)
    assert last_values(log) == wanted
    log.close()


def test_a_stopped_compaction_leaves_nothing_behind(tmp_path: Path) -> None:
    log = compacted_log(tmp_path)
    planned = plan(log, time.time() + 1)
    assert planned is not None
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedError):
        compact(planned, stop)
    assert not list(tmp_path.glob("*.cleaned"))
    log.close()


def test_a_log_shortened_meanwhile_does_not_take_the_result(tmp_path: Path) -> None:
    log = compacted_log(tmp_path)
    planned = plan(log, time.time() + 1)
    assert planned is not None
    done = compact(planned, threading.Event())
    for segment in log.delete_before(log.end):
        segment.remove()
    assert adopt(log, planned, done) == []
    assert not list(tmp_path.glob("*.cleaned"))
    assert log.start == log.end
    log.close()


def test_stamps_of_the_future_do_not_keep_a_log_for_ever(tmp_path: Path) -> None:
    log = PartitionLog(tmp_path, TopicConfig(retention_ms=60_000))
    log.append(batch([(b"k", b"v")], stamp=4_102_444_800_000))
    path, now = log.active.path, time.time()
    assert expired(log, now) == []
    os.utime(path, (now - 3600, now - 3600))
    assert [segment.path for segment in expired(log, now)] == [path]
    assert log.start == log.end == 1
    log.close()


def test_a_quiet_topics_oldest_records_go_too(tmp_path: Path) -> None:
    log = PartitionLog(tmp_path, TopicConfig(retention_ms=60_000))
    now = time.time()
    for minute in range(10):
        later = now + minute * 30
        log.append(batch([(b"k", b"v")], stamp=int(later * 1000)))
        os.utime(log.active.path, (later, later))
        for segment in expired(log, later):
            segment.remove()
        for segment in log.segments[-1:]:
            if not segment.size:
                segment.born = later
    assert log.start >= 4
    assert log.end == 10
    log.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300)),
             min_size=1, max_size=50),
    st.sampled_from([0, 1, 3, 4]),
)  # fmt: skip
def test_batches_of_a_client_are_read_record_by_record(rows: list[ROW], codec: int) -> None:
    data = batch(rows, codec=codec)
    header = parse_produced(data)
    found = list(records(unpack(data, header), header.record_count))
    assert [(r.delta, r.key, r.tombstone) for r in found] == [
        (n, key, value is None) for n, (key, value) in enumerate(rows)
    ]


@given(st.binary(max_size=100_000), st.sampled_from(list(CODECS)))
@settings(max_examples=40, deadline=None)
def test_what_is_packed_unpacks(data: bytes, codec: int) -> None:
    assert decompress(codec, compress(codec, data)) == data


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_what_cannot_be_unpacked_is_refused(codec: int) -> None:
    with pytest.raises(Refused) as caught:
        decompress(codec, b"\x00\x01rubbish" * 10)
    assert caught.value.code is Code.CORRUPT_MESSAGE


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 50))
def test_rubbish_instead_of_records_is_refused_not_crashed_on(data: bytes, count: int) -> None:
    def sound() -> bool:
        try:
            return all(record.end <= len(data) for record in records(data, count))
        except Refused as error:
            return error.code is Code.CORRUPT_MESSAGE

    assert sound()


def test_a_journal_keeps_the_last_of_each_key_and_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "j.journal"
    journal = Journal(path)
    for n in range(3 * REWRITE_LINES):
        journal.put([(("g", "t", n % 3), [n, ""])])
    journal.put([(("g", "t", 1), None)])
    rows = dict(journal.rows)
    journal.close()
    assert path.read_bytes().count(b"\n") < 2 * REWRITE_LINES
    for tail in (b"", b'[["g","t",0],[9', b"\xff\xfe", b"{}\n"):
        with path.open("ab") as file:
            file.write(tail)
        journal = Journal(path)
        assert journal.rows == rows == {
            ("g", "t", 0): [3 * REWRITE_LINES - 3, ""],
            ("g", "t", 2): [3 * REWRITE_LINES - 1, ""],
        }  # fmt: skip
        journal.close()


@pytest.mark.parametrize(
    ("given_", "word"),
    [
        ({"segment.bytes": "10"}, "segment.bytes"),
        ({"retention.ms": "-2"}, "between"),
        ({"cleanup.policy": ""}, "cleanup.policy"),
        ({"min.cleanable.dirty.ratio": "2"}, "between 0 and 1"),
        ({"compression.type": "gzip"}, "only 'producer'"),
        ({"follower.replication.throttled.replicas": "*"}, "unknown setting"),
    ],
)
def test_a_wrong_setting_is_named(given_: dict[str, str | None], word: str) -> None:
    with pytest.raises(Refused, match=word) as caught:
        parse(given_)
    assert caught.value.code is Code.INVALID_CONFIG


def test_settings_read_back_as_they_are_shown() -> None:
    config = TopicConfig(cleanup_policy="compact,delete", retention_ms=5)
    assert parse(dict(shown(config))) == config
    assert json.dumps(shown(config))
    assert struct.calcsize(">qiibIhiqqqhii") == 61
