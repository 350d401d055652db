"""The fault matrix: every fault, the test that brings it about, and at least how many records that
takes. The README shows it; ``python -m tests.faults.matrix`` writes it there anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[2] / "README.md"
MARKS = ("<!-- faults -->\n", "<!-- /faults -->")


class Fault(NamedTuple):
    """``records``: produced in one run of the test, at least; checked when it has passed."""

    test: str
    records: int
    fault: str


# fmt: off
SHORT: tuple[Fault, ...] = (
    Fault("test_killed_at_a_point", 2_000,
          "kill −9 before an insert; after it and before the acknowledgement; "
          "after that and before the commit"),
    Fault("test_killed_in_mid_insert", 8_000, "kill −9 with half of an insert sent"),
    Fault("test_a_dead_workers_insert_arrives_late", 8_000,
          "the insert of a killed worker arrives after its successor's"),
    Fault("test_frozen_while_its_partitions_move", 16_000,
          "SIGSTOP in an insert, thrown out of the group, resumed"),
    Fault("test_cases_worker_killed_while_it_recovers", 600,
          "kill −9 in recovery of cases, twice"),
    Fault("test_acknowledgement_lost_after_a_successful_insert", 8_000,
          "the store's answer is lost after a successful insert"),
    Fault("test_the_store_itself_refuses", 6_000,
          "store full; too many parts; an aggregate that throws; a view that throws; table away"),
    Fault("test_wrong_password", 6_000, "the store answers 401"),
    Fault("test_refusals_on_the_way_wait_and_never_drop", 4_000,
          "memory limit, 502, 429, connection cut"),
    Fault("test_the_store_is_killed_and_restarts", 12_000, "store killed under load"),
    Fault("test_the_broker_restarts", 8_000, "broker killed and restarted"),
    Fault("test_one_direction_of_the_network_is_lost", 8_000,
          "broker unreachable one way: questions lost; answers lost"),
    Fault("test_told_to_stop_while_everything_is_away", 4_000,
          "SIGTERM with broker and store away"),
    Fault("test_the_dead_letter_topic_is_away", 6_000, "dead-letter topic unavailable"),
    Fault("test_retention_passes_an_offset", 8_000, "retention passes an unread offset"),
    Fault("test_a_storm_of_duplicates", 8_000, "duplicate storm: 40 ids"),
    Fault("test_late_and_future_events", 4_800, "late and future events, 1970 to 2099"),
    Fault("test_the_schema_drifts", 8_000,
          "schema drift: field added, removed, retyped; broken bytes; packed records"),
    Fault("test_repaired_letters_are_put_back", 2_400,
          "dead letters exported, repaired, replayed"),
    Fault("test_a_flood_of_bad_records_stops_its_partition_only", 7_000,
          "flood of bad records: breaker, then `deadletters pass`"),
)
LONG: tuple[Fault, ...] = (
    Fault("test_frozen_for_90_seconds", 100_000, "SIGSTOP for 90 s under 1,000/s"),
    Fault("test_workers_join_and_leave", 115_000,
          "workers join and leave every 5 s for 2 min under 1,000/s, every second leaver killed"),
    Fault("test_store_down_for_ten_minutes", 295_000, "store down ten minutes under 500/s"),
    Fault("test_inserts_take_30_seconds", 95_000, "every insert takes 30 s under 1,000/s"),
    Fault("test_broker_unreachable_both_ways", 32_000, "broker hangs 60 s, then refuses 30 s"),
    Fault("test_a_backlog_is_caught_up", 400_000, "a backlog"),
    Fault("test_a_faulty_worker_is_caught", 2_000,
          "eight workers with a fault of their own: the tests above must fail with each"),
)
# fmt: on
FAULTS = {row.test: row for row in (*SHORT, *LONG)}


def table() -> str:
    lines = ["| fault | records a run, at least | test |", "| --- | ---: | --- |"]
    for rows, place in ((SHORT, "make test"), (LONG, "make test-faults")):
        lines.append(f"| **`{place}`** | | |")
        lines += [f"| {row.fault} | {row.records:,} | `{row.test}` |" for row in rows]
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """``text`` of the README with the matrix written anew. ValueError without its markers."""
    opening, closing = (re.escape(mark) for mark in MARKS)
    pieces = re.split(f"({opening}).*?({closing})", text, flags=re.S)
    if len(pieces) != 4:
        raise ValueError("README.md: markers of section 'faults' must stand there once")
    return f"{pieces[0]}{pieces[1]}{table()}{pieces[2]}{pieces[3]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
