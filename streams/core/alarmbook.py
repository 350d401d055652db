"""All alarms of a partition of villages: which command goes on to the cases, and what is kept.

``take`` for a command, ``wake`` when something is ``due``; both return the commands that go on, in
order. Once each has been applied ``landed`` says which case it reached. ``states.records`` is what
has to be written in the same transaction. Pure but for what it remembers (``alarm_states``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from schemas.alarm import Alarm, Outcome, Storm, Verdict
from schemas.case import Change, Command
from schemas.ids import village_of
from schemas.window import Window
from streams.core import alarms, windows
from streams.core.alarm_bundles import bundle, end
from streams.core.alarm_matches import match
from streams.core.alarm_signal import (
    Signal,
    marking,
    reached,
    signal_of,
    to_case,
    verdict,
    verdict_of,
)
from streams.core.alarm_states import AlarmStates, State
from streams.core.alarm_tables import AlarmTables

IsOpen = Callable[[str], bool]
LOOK_AGAIN = timedelta(days=1)  # at an alarm whose case is still open


class AlarmBook:
    """The alarms of one partition."""

    def __init__(self, tables: AlarmTables) -> None:
        self.tables = tables
        self.states = AlarmStates(tables)

    def take(self, command: Command, now: datetime, is_open: IsOpen) -> list[Command]:
        """What goes on to the cases because of a command. A repair window concerns none."""
        if command.move == "maintain":
            if command.window is not None:
                self.begin(command, command.window, now)
            return []
        signal = signal_of(command, self.tables)
        if signal is None:
            return [command]
        if command.move == "report":
            return self._raise(signal, now, is_open)
        if command.move == "clear":
            return self._clear(signal, now)
        return [command]

    def begin(self, command: Command, window: Window, now: datetime) -> None:
        """A repair window begins, or gets another end under the same id."""
        village = village_of(command.case_no)
        key = f"window|{village}|{window.window_id}"
        self.states.put(key, window, village)
        said = f"{windows.words(window)}，{window.who} {window.by}"
        self.states.say(
            key, Verdict(event_id=command.command_id, at=now, outcome="window", reason=said)
        )

    def landed(self, command: Command, case_no: str) -> None:
        """A command has reached its case."""
        event = command.report.event_id if command.report else ""
        self.states.landed(command.command_id, event, case_no)

    def changed(self, change: Change) -> None:
        """A case was merged: its alarms go with it. A person has taken it: they are
        acknowledged."""
        if change.move == "merge":
            for key in self.states.of_case(change.case.case_no):
                alarm = self.states.alarm(key)
                assert alarm is not None
                parent = change.case.merged_into
                self.states.put(key, alarm.model_copy(update={"case_no": parent}))
        if change.move not in alarms.TAKEN:
            return
        for key in self.states.of_case(change.case.case_no):
            alarm = self.states.alarm(key)
            after = alarms.acknowledged(alarm, change.at) if alarm else None
            if after is not None:
                self.states.put(key, after)
                self.states.say(key, verdict_of(after, None, change.at, "acknowledged"))

    def wake(self, now: datetime, is_open: IsOpen, most: int = 1_000) -> list[Command]:
        """Commands of what has waited long enough, ``most`` states at a time."""
        out: list[Command] = []
        for _ in range(most):
            found = self.states.pop_due(now)
            if found is None:
                break
            out += self._woken(*found, now, is_open)
        return out

    def _raise(self, signal: Signal, now: datetime, is_open: IsOpen) -> list[Command]:
        states, rule, seen, command = self.states, signal.rule, signal.seen, signal.command
        alarm = states.alarm(signal.key)
        if alarm is not None and alarms.knows(alarm, seen):
            return []
        window = self.tables.window(
            list(states.windows.values()), signal.facts, seen.device_id, seen.event_code, seen.at
        )
        doubt = ""
        if window is not None:
            doubt = windows.words(window)
            if rule.maintenance == "suppress" and not signal.critical:
                counted = alarms.counted(alarm, rule, seen, now)
                states.put(signal.key, counted, signal.village)
                states.say(signal.key, verdict(signal, "maintenance", doubt))
                return []
            command = _to_desk(command, doubt)
        case_open = alarm is not None and bool(alarm.case_no) and is_open(alarm.case_no)
        step = alarms.raised(alarm, rule, command, seen, now, case_open)
        states.put(signal.key, step.alarm, signal.village)
        outcome: Outcome = "doubt" if doubt and step.goes else step.outcome
        old = step.alarm.case_no if case_open else ""
        states.say(signal.key, verdict(signal, outcome, doubt or step.reason, old))
        if step.outcome == "blip":
            return []
        if step.outcome == "joined" and alarm is not None and alarms.goes_on(alarm, now):
            command = command.model_copy(update={"case_no": old, "move": "attach"})
        out = [command] if step.goes else []
        if rule.storm_count and not signal.critical:
            common = bundle(states, signal, command, outcome, now, is_open)
            out = common.commands if common.took else [*common.commands, *out]
        if step.goes:
            states.wait_for(command.command_id, signal.key)
        if step.marks:
            out.append(marking(signal, reached(out, old), "flapping", step.reason))
        if doubt and step.goes:
            out.append(marking(signal, reached(out, old), "doubt", doubt))
        return match(states, signal, command, out, now)

    def _clear(self, signal: Signal, now: datetime) -> list[Command]:
        """An all-clear ends the alarms of its device that it can end."""
        states, known, out = self.states, False, dict[str, Command]()
        for key in states.of_device(signal.report.device_id, signal.world):
            alarm = states.alarm(key)
            assert alarm is not None
            known = known or bool(alarm.case_no) or alarm.state == "held"
            rule = self.tables.rule(alarm.event_code, signal.facts)
            if not alarms.ends(rule, signal.report.event_code, self.tables.named):
                continue
            if alarms.knows(alarm, signal.seen) or (alarm.state == "cleared" and not alarm.waiting):
                continue
            step = alarms.cleared(alarm, signal.command, signal.seen, now)
            states.put(key, step.alarm)
            goes, reason = step.goes, step.reason
            if goes and (left := self._still_raised(alarm.case_no)):
                goes, reason = False, f"设备恢复，同案还有 {left} 处未恢复"
            states.say(key, verdict(signal, step.outcome, reason, alarm.case_no))
            if step.outcome == "blip":  # what waited finds its end under its own name
                at = signal.seen.at
                states.say(key, verdict_of(alarm, alarm.waiting, at, "blip", reason))
            if goes:
                out.setdefault(alarm.case_no, to_case(signal.command, alarm.case_no, alarm.bundled))
        # A case from before its alarm was kept is found by its device, as ever.
        return list(out.values()) if known else [signal.command]

    def _still_raised(self, case_no: str) -> int:
        found = (self.states.alarm(key) for key in self.states.of_case(case_no))
        return sum(alarm is not None and alarm.state != "cleared" for alarm in found)

    def _woken(self, key: str, state: State, now: datetime, is_open: IsOpen) -> list[Command]:
        if isinstance(state, Alarm):
            return self._woken_alarm(key, state, now, is_open)
        if isinstance(state, Storm):
            return [c for c in end(self.states, key, state, now) if is_open(c.case_no)]
        self.states.forget(key)
        if isinstance(state, Window):
            reason = f"检修窗口 {state.window_id} 到期"
            self.states.say(key, Verdict(event_id="", at=now, outcome="ended", reason=reason))
        return []

    def _woken_alarm(self, key: str, alarm: Alarm, now: datetime, is_open: IsOpen) -> list[Command]:
        case_open = bool(alarm.case_no) and is_open(alarm.case_no)
        step = alarms.woken(alarm, now)
        if step is None:
            if alarms.over(alarm, now, case_open):
                self.states.forget(key)
            else:
                self.states.schedule(key, alarm, now + LOOK_AGAIN)
            return []
        command = alarm.waiting
        self.states.put(key, step.alarm.model_copy(update={"waiting": None}))
        self.states.say(key, verdict_of(alarm, command, now, step.outcome, step.reason))
        if not step.goes or command is None:
            return []
        if step.outcome == "steady":
            ours = case_open and not self._still_raised(alarm.case_no)
            return [to_case(command, alarm.case_no, alarm.bundled)] if ours else []
        self.states.wait_for(command.command_id, key)
        return [command]


def _to_desk(command: Command, doubt: str) -> Command:
    """A person looks at it before any unit does."""
    report = command.report
    assert report is not None
    to_nobody = {"unit": "", "unit_level": "", "route": "", "meant": report.unit}
    report = report.model_copy(update=to_nobody)
    return command.model_copy(update={"report": report, "reason": f"{doubt}，请核实"})
