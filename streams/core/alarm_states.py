"""What is remembered of the alarms of a partition: states by key, their wake-ups, what to write.

Bounded: enrolled devices × their codes, patterns × their groups; each key is forgotten when its
time is over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from schemas.alarm import Alarm, AlarmRecord, Storm, Verdict, Watch
from schemas.window import Window
from streams.core import alarms, patterns
from streams.core.alarm_tables import AlarmTables

MOST_VERDICTS = 1_000  # in one record; more go into another
State = Alarm | Watch | Storm | Window
_NAME: dict[type[State], str] = {
    Alarm: "alarm", Watch: "watch", Storm: "storm", Window: "window",
}  # fmt: skip


class AlarmStates:
    """States of one partition. ``put`` and ``forget`` note what ``records`` has to write."""

    def __init__(self, tables: AlarmTables) -> None:
        self.tables = tables
        self.windows: dict[str, Window] = {}
        self._states: dict[str, State] = {}
        self._villages: dict[str, str] = {}
        self._of_device: dict[str, set[str]] = {}
        self._of_case: dict[str, set[str]] = {}
        self._fresh: dict[str, list[Verdict]] = {}  # keys to write, and what happened to them
        self._landing: dict[str, list[str]] = {}  # command → keys that wait for its case
        self._wakes: list[tuple[datetime, str]] = []
        self._waking: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[tuple[str, State]]:
        return iter(self._states.items())

    def get(self, key: str) -> State | None:
        return self._states.get(key)

    def alarm(self, key: str) -> Alarm | None:
        state = self._states.get(key)
        return state if isinstance(state, Alarm) else None

    def of_device(self, device_id: str, world: str) -> list[str]:
        """Keys of a device's alarms."""
        keys = self._of_device.get(device_id, ())
        return sorted(key for key in keys if key.endswith(f"|{world}"))

    def of_case(self, case_no: str) -> list[str]:
        """Keys of the alarms that a case has taken in."""
        return sorted(self._of_case.get(case_no, ()))

    def put(self, key: str, state: State, village: str = "") -> None:
        before = self._states.get(key)
        self._states[key] = state
        if village:
            self._villages[key] = village
        if isinstance(state, Alarm):
            self._of_device.setdefault(state.device_id, set()).add(key)
            old = before.case_no if isinstance(before, Alarm) else ""
            if old != state.case_no:
                _drop(self._of_case, old, key)
                self._of_case.setdefault(state.case_no, set()).add(key)
        elif isinstance(state, Window):
            self.windows[key] = state
        self._fresh.setdefault(key, [])
        self.schedule(key, state)

    def forget(self, key: str) -> None:
        state = self._states.pop(key, None)
        self.windows.pop(key, None)
        self._waking.pop(key, None)
        if isinstance(state, Alarm):
            _drop(self._of_case, state.case_no, key)
            _drop(self._of_device, state.device_id, key)
        self._fresh.setdefault(key, [])

    def say(self, key: str, verdict: Verdict) -> None:
        self._fresh.setdefault(key, []).append(verdict)

    def wait_for(self, command: str, key: str) -> None:
        """The state wants to know which case a command reaches."""
        keys = self._landing.setdefault(command, [])
        if key not in keys:
            keys.append(key)

    def landed(self, command: str, event: str, case_no: str) -> None:
        """A command has reached its case; ``event``: the one it was about."""
        for key in self._landing.pop(command, ()):
            state = self._states.get(key)
            if isinstance(state, (Alarm, Watch, Storm)) and state.case_no != case_no:
                self.put(key, state.model_copy(update={"case_no": case_no}))
            self._fresh[key] = [
                one.model_copy(update={"case_no": case_no})
                if one.event_id == event and not one.case_no else one
                for one in self._fresh.get(key, ())
            ]  # fmt: skip

    # wake-ups

    def next_wake(self) -> datetime | None:
        return self._wakes[0][0] if self._wakes else None

    def due(self, now: datetime) -> bool:
        return bool(self._wakes) and self._wakes[0][0] <= now

    def pop_due(self, now: datetime) -> tuple[str, State] | None:
        """A state whose time has come; None when there is none left."""
        while self.due(now):
            _, key = heapq.heappop(self._wakes)
            self._waking.pop(key, None)
            state = self._states.get(key)
            if state is None:
                continue
            if self.wakes_at(state) <= now:
                return key, state
            self.schedule(key, state)
        return None

    def schedule(self, key: str, state: State, at: datetime | None = None) -> None:
        wakes = at or self.wakes_at(state)
        planned = self._waking.get(key)
        if planned is None or wakes < planned:
            self._waking[key] = wakes
            heapq.heappush(self._wakes, (wakes, key))

    def wakes_at(self, state: State) -> datetime:
        if isinstance(state, Alarm):
            return alarms.wakes_at(state)
        if isinstance(state, Storm):
            return state.until
        if isinstance(state, Window):
            return state.end
        pattern = self.tables.patterns.get(state.pattern_id)
        if pattern is None:  # its row is gone
            return state.hits[-1].at
        return patterns.wakes_at(state, pattern)

    # what is kept

    def records(self, offset: int) -> list[AlarmRecord]:
        """What changed since the last call. A record without a state: its key is forgotten."""
        fresh, self._fresh = self._fresh, {}
        self._landing.clear()
        out = []
        for key, verdicts in fresh.items():
            state = self._states.get(key)
            village = self._villages.get(key, "") if state else self._villages.pop(key, "")
            held = {_NAME[type(state)]: state} if state is not None else {}
            for at in range(0, max(len(verdicts), 1), MOST_VERDICTS):
                out.append(AlarmRecord(
                    key=key, village=village, command_offset=offset,
                    verdicts=tuple(verdicts[at : at + MOST_VERDICTS]), **held,
                ))  # fmt: skip
        return out

    def load(self, key: str, record: AlarmRecord | None) -> None:
        """Take a record in, in the topic's order. None: the key is forgotten."""
        state: State | None = None
        if record is not None:
            state = record.alarm or record.watch or record.storm or record.window
        if record is None or state is None:
            self.forget(key)
            self._villages.pop(key, None)
        else:
            self.put(key, state, record.village)
        self._fresh.pop(key, None)


def _drop(index: dict[str, set[str]], name: str, key: str) -> None:
    keys = index.get(name)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[name]
