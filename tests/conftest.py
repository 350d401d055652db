"""What tests of every folder share: the order they start in, and what they have to tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

PROVED = "proved"  # a property of a test: a line for the end of the run

#: Files that take longest begin first, so that two processes end together.
LONG_FIRST = (
    "whole/test_whole.py", "faults/test_short_store.py", "faults/test_short_kills.py",
    "faults/test_short_broker.py", "faults/test_short_input.py", "reports/test_kpis.py",
    "broker/test_broker_durability.py", "backtest/test_backtest_command.py",
    "store/test_store_process.py", "profiles/test_profile_damage.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((n for n, name in enumerate(LONG_FIRST) if path.endswith(name)), 99)

    items.sort(key=turn)  # stable: all others stay as they are


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their length: two processes must give a test the same name, and packed
    bytes may hold the moment they were packed."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = list(_told(terminalreporter))
    if told:
        terminalreporter.section("故障测试证明 what the fault tests proved")
        for line in told:
            terminalreporter.write_line(line)


def _told(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "teardown":
                for name, line in report.user_properties:
                    if name == PROVED:
                        yield str(line)
