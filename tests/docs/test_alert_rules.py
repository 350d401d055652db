"""The alert rules name metrics and labels that exist, in expressions that Prometheus reads."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Histogram

from ops.metrics import CATALOGUE
from ops.reference import README

FILE = README.parent / "ops/prometheus/alerts.yml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(FILE.read_text("utf-8"))["groups"] for rule in group["rules"]
]
OF_PROMETHEUS = {"up": {"job", "instance"}}
SERIES = OF_PROMETHEUS | {m.name: set(m.labels) for m in CATALOGUE if m.kind is not Histogram}
for m in CATALOGUE:
    if m.kind is Histogram:
        SERIES[f"{m.name}_bucket"] = {*m.labels, "le"}
        SERIES[f"{m.name}_count"] = SERIES[f"{m.name}_sum"] = set(m.labels)
MUST_ALERT = {
    "gridwhistle_ledger_sound", "gridwhistle_ledger_counted_at", "gridwhistle_lost_records_total",
    "gridwhistle_breaker_open", "gridwhistle_lag_records", "gridwhistle_insert_retries_total",
    "gridwhistle_timer_lateness_seconds_bucket", "gridwhistle_wall_newest_event_age_seconds",
    "gridwhistle_process_up",
}  # fmt: skip


def selectors(text: str) -> list[Any]:
    found: list[Any] = []

    def note(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(text), note)
    return found


def names(text: str) -> set[str]:
    return {selector.name for selector in selectors(text)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_reads_and_names_what_exists(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "action"}
    if "for" in rule:
        promql_parser.parse_duration(rule["for"])
    used = selectors(rule["expr"])
    assert used
    assert {selector.name for selector in used} <= set(SERIES)
    known = set.intersection(*(SERIES[selector.name] for selector in used))
    for selector in used:
        assert {match.name for match in selector.matchers.matchers} <= SERIES[selector.name]
    grouped = {
        label.strip()
        for by in re.findall(r"by \(([^)]*)\)", rule["expr"])
        for label in by.split(",")
    }
    assert grouped <= known
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= (grouped or known) - {"le"}


def test_alerts_have_names_of_their_own() -> None:
    every = [rule["alert"] for rule in RULES]
    assert len(set(every)) == len(every)


def test_what_must_wake_somebody_has_a_rule() -> None:
    assert {name for rule in RULES for name in names(rule["expr"])} >= MUST_ALERT


def test_a_wrong_expression_is_seen() -> None:
    with pytest.raises(ValueError):
        promql_parser.parse("sum(rate(gridwhistle_records_total[5m])")
    assert names("rate(gridwhistle_recrods_total[5m]) > 0") == {"gridwhistle_recrods_total"}
