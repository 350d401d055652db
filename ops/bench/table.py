"""The benchmarks by name, most important first, and how a result looks on screen."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ops.bench.result import Result


class Benchmark(NamedTuple):
    name: str
    module: str  # has run(quick: bool) -> Result
    about: str

    def run(self, quick: bool) -> Result:
        found: Callable[[bool], Result] = import_module(self.module).run
        return found(quick)


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("hotpath",  "ops.bench.hotpath",  "Kafka 到判定、入库的吞吐 events a second"),
    Benchmark("latency",  "ops.bench.latency",  "警情到告警的时延 alarm to alert"),
    Benchmark("scaling",  "ops.bench.scaling",  "一个与两个工作进程 one worker and two"),
    Benchmark("backlog",  "ops.bench.backlog",  "追赶积压时的警情时延 catching up"),
    Benchmark("recovery", "ops.bench.recovery", "恢复一百万在办案件 reading back a million cases"),
    Benchmark("classify", "ops.bench.classify", "文本定类的耗时与体积 time, size of classifying"),
    Benchmark("joins",    "ops.bench.joins",    "找出所属案件的耗时 finding a report's case"),
    Benchmark("lights",   "ops.bench.lights",   "同时到期时每秒亮灯 lights when all fall due"),
)  # fmt: skip
BY_NAME = {b.name: b for b in BENCHMARKS}


def show(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None)
    table = Table(title=result.name, header_style="bold", caption=result.machine)
    table.add_column("system")
    table.add_column("median", justify="right")
    table.add_column("unit")
    table.add_column("runs")
    for row in result.rows:
        value = "[red]missing[/red]" if row.value is None else f"{row.value:,.1f}"
        runs = row.note if row.value is None else "  ".join(f"{r:,.0f}" for r in row.runs)
        if row.note and row.value is not None:
            runs = f"{runs}  ({row.note})"
        table.add_row(row.system, value, row.unit, runs)
    console.print(table)
    for name, ratio in result.ratios.items():
        console.print(f"  {name} = " + ("—" if ratio is None else f"{ratio:.2f}"))
