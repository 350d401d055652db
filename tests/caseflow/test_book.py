"""A book holds what was put into it, finds what ``OpenCases`` finds, and weighs little."""

from __future__ import annotations

import random
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.case import Case, Change, Command
from schemas.ids import case_number, change_id, command_id, village_of
from streams.book import Book, Codec, encode
from streams.brief import NEVER, ROW, SIZE, brief, commands_of, gravestone, microseconds, wake_of
from streams.changelog import Entry
from streams.core.alarm_tables import AlarmTables
from streams.core.cases import apply
from streams.core.incidents import OpenCases
from streams.core.moves import OPEN
from streams.joins import BookIndex
from streams.partition import Partition
from tests.cases.small_city import OPERATOR, RULES, START, SYSTEM, report

VILLAGES = ("990101001001", "990101001002")
TEXTS = ("消防通道被堵死", "消防通道被堵死了", "楼道里堆满杂物", "电梯困人", "有人报火警")


def opened(draw: st.DrawFn, number: int) -> Command:
    """A report drawn from few places, devices, people and words, so that many belong together."""
    village = draw(st.sampled_from(VILLAGES))
    device = draw(st.sampled_from(["", "", "d1", "d2"]))
    one = report(
        number,
        START + timedelta(minutes=number * draw(st.sampled_from([1, 17]))),
        grid=village + draw(st.sampled_from(["001", "002"])),
        class_code=draw(st.sampled_from(["020201", "020202", "020101", "020104"])),
        device_id=f"{village}-{device}" if device else "",
        building=draw(st.sampled_from(["", f"{village}-b1"])),
        reporter=draw(st.sampled_from(["", "r1"])),
        text=draw(st.sampled_from(TEXTS)),
        test=draw(st.integers(0, 9)) == 0,
    )
    return Command(
        command_id=command_id(one.event_id, "report"),
        case_no=case_number(one.event_id, village, one.ingested_at), move="report",
        at=one.ingested_at, actor=SYSTEM, report=one,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_book_is_a_dictionary_of_cases_with_an_index(data: st.DataObject) -> None:
    book, cases, whole = Book(), dict[str, Case](), OpenCases()
    index = BookIndex(book)
    for number in range(data.draw(st.integers(1, 25))):
        command = data.draw(st.composite(opened)(number))
        assert command.report is not None
        mine = index.joins(command.report, command.case_no)
        assert mine == whole.find(command.report, village_of(command.case_no), command.case_no)
        assert (index.device(command.report, command.case_no) is None) == (
            whole.of_device(command.report.device_id) is None
        )
        found = data.draw(st.sampled_from([None, *cases.values()]))
        if found is not None and data.draw(st.booleans()):
            moves: list[Any] = ["clear", "register", "reject", "close", "note", "overdue", "forget"]
            move = data.draw(st.sampled_from(moves))
            if move == "forget":
                book.load([(found.case_no.encode(), None, gravestone(3))])
                whole.remove(found.case_no)
                del cases[found.case_no]
                continue
            changed = found.model_copy(update={
                "version": found.version + 1,
                "state": {"close": "closed", "reject": "rejected"}.get(move, found.state),
                "closed_at": START if move == "close" else None,
            })  # fmt: skip
        else:
            applied = apply(None, command, RULES, command.at)
            assert isinstance(applied, Change)
            changed = applied.case
        change = Change(
            change_id=change_id(changed.case_no, changed.version), command_id=str(number),
            move="note", from_state=None, at=changed.updated_at, actor=OPERATOR, case=changed,
        )  # fmt: skip
        book.keep(change)
        if data.draw(st.booleans()):
            book.lately(changed)
        whole.put(changed)
        cases[changed.case_no] = changed
    assert len(book) == len(cases)
    assert book.open == sum(case.state in OPEN for case in cases.values()) == len(whole)
    for number_, case in cases.items():
        assert book.get(number_) == case
        assert number_ in book
    at = microseconds(START + timedelta(hours=2))
    due = [book.case(row).case_no for row in book.due(at, 1000)]
    assert sorted(due) == sorted(n for n, case in cases.items() if wake_of(case) <= at)
    wakes = [wake_of(cases[n]) for n in due]
    assert wakes == sorted(wakes)
    assert [book.case(row).case_no for row in book.due(at, 2)] == due[:2] or len(set(wakes)) < 3
    assert book.get("20260101-990101001001-NOSUCH") is None


def changes(count: int) -> list[Change]:
    found = []
    for number in range(count):
        one = report(number, START + timedelta(seconds=number), text=f"{random.random()} 号楼道")
        command = Command(
            command_id=command_id(one.event_id, "report"),
            case_no=case_number(one.event_id, VILLAGES[0], START), move="report", at=START,
            actor=SYSTEM, report=one,
        )  # fmt: skip
        applied = apply(None, command, RULES, START)
        assert isinstance(applied, Change)
        found.append(applied)
    return found


def test_only_a_newer_version_replaces() -> None:
    (first,) = changes(1)
    newer = first.model_copy(update={
        "case": first.case.model_copy(update={"version": 2, "title": "新"})
    })  # fmt: skip
    for order in ([first, newer], [newer, first], [first, newer, first]):
        book = Book()
        book.load([(c.case.case_no.encode(), encode(c), brief(c)) for c in order])
        held = book.get(first.case.case_no)
        assert held is not None
        assert held.title == "新"
        book = Book()
        for change in order:
            book.keep(change)
        assert book.get(first.case.case_no) == held


def test_a_model_kept_for_what_comes_next_is_never_an_older_one() -> None:
    first, other = changes(2)
    newer = first.model_copy(update={
        "case": first.case.model_copy(update={"version": 2, "title": "新"})
    })  # fmt: skip
    book = Book()
    book.keep(first)
    book.lately(first.case)
    assert book.get(first.case.case_no) is first.case
    book.keep(newer)
    book.lately(first.case)
    assert book.get(first.case.case_no) == newer.case
    book.forget(first.case.case_no.encode())
    book.keep(other)  # in the same row
    book.lately(newer.case)
    assert book.get(first.case.case_no) is None
    assert book.get(other.case.case_no) == other.case


def test_rows_of_forgotten_cases_are_used_again() -> None:
    book, some = Book(), changes(300)
    for _ in range(5):
        book.load([(c.case.case_no.encode(), encode(c), brief(c)) for c in some])
        assert len(book) == 300
        assert book.waiting == 300
        book.load([(c.case.case_no.encode(), None, gravestone(1)) for c in some])
        assert (len(book), book.open, book.waiting) == (0, 0, 0)
    assert len(book._bodies) == 300
    assert book.due(NEVER - 1, 10) == []
    assert all(not rows for rows in book._villages.values())


def test_a_case_weighs_a_few_hundred_bytes() -> None:
    book, some = Book(), changes(500)
    records = [(c.case.case_no.encode(), encode(c), brief(c)) for c in some]
    squeezed = book.squeeze(records)
    book.load(records, squeezed)
    assert sum(map(len, squeezed)) / 500 < 300
    assert [book.case(row) for row in range(500)] == [c.case for c in some]
    assert ROW.itemsize == SIZE == 104


def test_a_codec_gives_back_any_case() -> None:
    codec = Codec(b"words")
    for text in ("", "x" * 100_000, "火" * 5000):
        body = b'{"text":"' + text.encode() + b'"}'
        assert codec.expand(codec.squeeze(body)) == body
        assert [codec.expand(b) for b in codec.squeeze_all([body, body])] == [body, body]
    assert codec.squeeze_all([]) == []


def test_a_partition_remembers_a_bounded_number_of_commands(monkeypatch: Any) -> None:
    monkeypatch.setattr("streams.partition.RECENT", 10)
    part = Partition(0, SimpleNamespace(), AlarmTables(RULES.profile))  # type: ignore[arg-type]
    some = changes(25)
    for change in some:
        part.keep(change)
    known = [part.repeated(SimpleNamespace(command_id=c.command_id)) for c in some]  # type: ignore[arg-type]
    assert known == [False] * 15 + [True] * 10
    other = Partition(0, SimpleNamespace(), AlarmTables(RULES.profile))  # type: ignore[arg-type]
    other.remember(commands_of([brief(c) for c in some[-12:]]))  # as read back
    assert other._recent == part._recent
    assert list(other._recent_order) == list(part._recent_order)
    assert isinstance(part.keep(some[0]), Entry)
