"""A partition of cases as it lives: a log of commands, a log of changes, a writer and a timer that
crash and come back, deliveries that are late, doubled or in the wrong order. All from one seed.
"""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from schemas.case import Case, Change, Command, Move, Obligation, Report, State
from schemas.ids import SHANGHAI, case_number, command_id
from streams.core.cases import apply
from streams.core.deadlines import Wakeup, overdue_command, planned, wakeups
from streams.core.incidents import OpenCases
from streams.core.moves import MOVES, POSSIBLE
from tests.cases.small_city import ACTORS, RULES, START, SYSTEM, VILLAGE, report

#: Where a world begins (Shanghai): an ordinary morning; the evening before a worked Saturday and
#: nine days of Spring Festival; ten minutes before the midnight that leads, within days, out of the
#: last year with a published calendar.
STARTS = (
    START,
    datetime(2026, 2, 13, 17, 50, tzinfo=SHANGHAI).astimezone(UTC),
    datetime(2026, 12, 28, 23, 50, tzinfo=SHANGHAI).astimezone(UTC),
)
DAYS = (12, 12, 3, 365)  # how long a world lasts, by its seed
ASIDE = {
    "attach",
    "absorb",
    "clear",
    "acknowledge",
    "note",
    "contact",
    "merge",
    "reject",
    "answer",
    "mark",
}
ONWARD: dict[State, Move] = {
    "reported": "register", "registered": "dispatch", "dispatched": "sign", "signed": "handle",
    "whistle": "respond", "responded": "handle", "rework": "handle", "handling": "finish",
    "grid_handling": "finish", "done": "verify", "verified": "follow_up", "followed_up": "close",
    "closed": "reopen", "suspended": "resume", "extension_requested": "grant_extension",
    "found": "assign", "triaged": "mediate", "mediating": "agree", "agreement": "perform",
    "failed": "refer", "performed": "recheck", "breached": "mediate", "referred": "close",
    "pushed": "check", "checked": "close",
}  # fmt: skip
AGAIN = timedelta(seconds=60)
SLACK = timedelta(seconds=10)  # between a light's time and its showing, while all is well
CLASSES = [
    ("020201", 2, "fire-990101001"), ("020202", 3, "estate-007"), ("020104", 1, "fire-990101001"),
    ("110306", 4, "housing-990101"), ("", 3, ""), ("100101", 3, "housing-990101"),
]  # fmt: skip


class Writer:
    """What a restart loses."""

    def __init__(self, changes: list[str], position: int, drain_to: int) -> None:
        self.cases: dict[str, Case] = {}
        self.open = OpenCases()
        self.sent: dict[tuple[str, Wakeup], datetime] = {}
        self.done, self.position, self.drain_to = -1, position, drain_to
        for body in changes:
            self.keep(Change.model_validate_json(body))

    def keep(self, change: Change) -> None:
        self.done = max(self.done, change.command_offset)
        self.cases[change.case.case_no] = change.case
        self.open.put(change.case)


class Partition:
    """Runs days of a season, by a seed. ``changes`` is what a real topic would hold at the end."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.start = self.now = STARTS[seed % len(STARTS)]
        self.days = DAYS[seed // len(STARTS) % len(DAYS)]
        self.over = self.start + timedelta(days=self.days + 40)  # some lights repeat for ever
        self.log: list[Command] = []
        self.changes: list[str] = []
        self.written: list[datetime] = []  # when each change was
        self.committed = 0
        self.outages: list[tuple[datetime, datetime]] = []
        self._heap: list[tuple[datetime, int, str, Any]] = []
        self._count = count()
        self.writer: Writer | None = Writer([], 0, 0)
        self._plan()

    def run(self) -> Partition:
        while self._heap:
            self.now, _, what, thing = heapq.heappop(self._heap)
            if what == "command":
                self.log.append(thing)
            elif what == "act":
                self._act()
            elif what == "crash" and self.writer is not None:
                self._crash()
            elif what == "up":
                self.writer = Writer(self.changes, self.committed, len(self.log))
            self._work()
        return self

    def _at(self, at: datetime, what: str, thing: Any = None) -> None:
        heapq.heappush(self._heap, (at, next(self._count), what, thing))

    def _sometime(self) -> datetime:
        return self.start + timedelta(minutes=self.rng.uniform(0, self.days * 1440))

    def _plan(self) -> None:
        for n in range(1, 9):
            self._report(n, self._sometime())
        for _ in range(100):
            self._at(self._sometime(), "act")
        for _ in range(self.rng.randint(1, 6)):
            self._at(self._sometime(), "crash")
        end = self.start + timedelta(days=self.days)
        for seconds in range(0, 600, 30):  # a quiet end, so that everything due gets shown
            self._at(end + timedelta(days=2, seconds=seconds), "tick")

    def _report(self, n: int, at: datetime) -> None:
        """An event, and maybe its doubles and its neighbours of the same matter."""
        code, grade, unit = self.rng.choice(CLASSES)
        device = f"d{self.rng.randint(1, 3)}" if self.rng.random() < 0.5 else ""
        for k in range(self.rng.choice((1, 1, 2, 4))):
            seen = at + timedelta(minutes=self.rng.expovariate(0.2) * k)
            one = report(
                n * 10 + k, seen, class_code=code, grade=grade, unit=unit, device_id=device,
                reporter=f"t{n}", text=f"第{n}件事" * 5, emergency=grade == 1,
                lead="b1" if n == 8 and unit else "",
            )  # fmt: skip
            for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
                self._deliver(_command(one, seen), seen)

    def _deliver(self, command: Command, sent: datetime) -> None:
        late = self.rng.choice((0.1, 1, 5, 60, 600)) * self.rng.random()
        self._at(sent + timedelta(seconds=late), "command", command)

    def _act(self) -> None:
        """A person does something to a case as it was when they last looked."""
        if not self.changes:
            return
        seen = Change.model_validate_json(self.rng.choice(self.changes[-12:])).case
        onward = [m for m in POSSIBLE[seen.state] if m not in ASIDE]
        move = self.rng.choice(onward * 3 or ["acknowledge"])
        if self.rng.random() < 0.5:
            move = ONWARD.get(seen.state, move)
        elif self.rng.random() < 0.2:
            move = self.rng.choice(["acknowledge", "contact", "note", "handle", "finish"])
        row = next(r for r in MOVES if r.on == move)
        actor = ACTORS[self.rng.choice(row.who)]
        if actor.role == "unit":
            actor = actor.model_copy(update={"unit": seen.unit, "area": ""})
        number = next(self._count)
        command = Command(
            command_id=f"c{number}", case_no=seen.case_no, move=move, at=self.now, actor=actor,
            reason="理由", unit=self.rng.choice([u for _, _, u in CLASSES if u]),
            review_at=self.now + timedelta(days=self.rng.randint(1, 5)), alert_id=f"a{number}",
            merged_into=f"20260311-{VILLAGE}-AAAAAA", resolved=self.rng.random() < 0.8,
            expected_version=seen.version if self.rng.random() < 0.3 else None,
            obligations=tuple(
                Obligation(what="修复", due=self.now + timedelta(days=self.rng.uniform(1, 9)))
                for _ in range(self.rng.randint(1, 3))
            ),
            obligation=next((o.item for o in seen.obligations if not o.done_at), ""),
            found=self.rng.random() < 0.3,
        )  # fmt: skip
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            self._deliver(command, self.now)
        if self.rng.random() < 0.6:  # work goes on
            self._at(self.now + timedelta(minutes=self.rng.uniform(2, 300)), "act")

    def _crash(self) -> None:
        """Everything in memory is gone; what was committed lags behind what was done."""
        assert self.writer is not None
        self.committed = max(0, self.writer.position - self.rng.randint(0, 6))
        self.writer = None
        down = timedelta(minutes=self.rng.choice((0.1, 5, 90, 900, 3000)))
        self.outages.append((self.now, self.now + down))
        self._at(self.now + down, "up")

    def _work(self) -> None:
        """The writer takes what has come; then the timer looks, if the backlog is drained."""
        while self.writer is not None:
            while self.writer.position < len(self.log):
                self._take(self.writer, self.writer.position)
                if self.rng.random() < 0.01:
                    return self._crash()
                self.writer.position += 1
            if not self._look(self.writer):
                return None
        return None

    def _take(self, writer: Writer, offset: int) -> None:
        if offset <= writer.done:
            return
        command = self.log[offset]
        if command.move == "report" and command.report and command.case_no not in writer.cases:
            joins = writer.open.match(command.report, VILLAGE)
            command = command.model_copy(update={"case_no": joins or command.case_no})
        applied = apply(writer.cases.get(command.case_no), command, RULES, self.now, offset)
        if isinstance(applied, Change):
            self.changes.append(applied.model_dump_json(exclude_defaults=True))
            self.written.append(self.now)
            writer.keep(applied)

    def _look(self, writer: Writer) -> bool:
        """Send what is due, once a minute at most each; wake up again when the next one is."""
        assert writer.position >= writer.drain_to
        sent = False
        for case_no, case in list(writer.cases.items()):
            for wakeup in wakeups(case):
                key = (case_no, wakeup)
                again = writer.sent.get(key, self.start) + AGAIN
                if wakeup.at > self.now:
                    if key not in writer.sent and wakeup.at < self.over:
                        writer.sent[key] = self.start
                        jitter = timedelta(seconds=self.rng.random() * 2)
                        self._at(wakeup.at + jitter, "tick")
                elif again <= self.now:
                    writer.sent[key] = self.now
                    command = overdue_command(case_no, wakeup, self.now)
                    self.log.append(command)
                    if self.rng.random() < 0.1:  # and the broker keeps it twice
                        self._at(
                            self.now + timedelta(minutes=self.rng.random() * 90), "command", command
                        )
                    sent = True
        return sent

    def history(self) -> list[Change]:
        return [Change.model_validate_json(body) for body in self.changes]

    def was_down(self, since: datetime, until: datetime) -> bool:
        return any(start <= until and end >= since for start, end in self.outages)


def _command(one: Report, at: datetime) -> Command:
    return Command(
        command_id=command_id(one.event_id, "report"),
        case_no=case_number(one.event_id, VILLAGE, at), move="report", at=at, actor=SYSTEM,
        report=one,
    )  # fmt: skip


def planned_time(before: Case, change: Change) -> datetime:
    """When the light of a change was to show, by the case as it was before."""
    of = (change.clock, change.item)
    (clock,) = [d for d in before.deadlines if (d.clock, d.item) == of]
    assert change.stage is not None
    when = planned(clock, change.stage)
    assert when is not None
    assert clock.paused_at is None
    return when
