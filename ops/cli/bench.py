"""``gridwhistle bench``: what this machine can do, beside what others can do on it."""

from __future__ import annotations

from typing import Annotated

import typer


def bench(
    name: Annotated[
        str,
        typer.Argument(help="hotpath latency scaling backlog recovery classify joins lights all"),
    ] = "all",
    quick: Annotated[bool, typer.Option("--quick", help="90 秒以内 within 90 s")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """基准测试:在本机上临时启动总线、存储与工作进程,测完即删。

    Benchmarks on a site of their own, removed afterwards. Peers come from .venv-bench, or from the
    Python named by GRIDWHISTLE_BENCH_PYTHON; a peer that is not there is shown as missing.
    GRIDWHISTLE_BENCH_KAFKA=HOST:PORT measures on that Kafka instead of the embedded broker.
    """
    import json

    from ops.bench.table import BENCHMARKS, BY_NAME, show

    if name != "all" and name not in BY_NAME:
        known = ", ".join(BY_NAME)
        typer.echo(f"没有名为 {name} 的基准;可选:{known}, all / no such benchmark", err=True)
        raise typer.Exit(2)
    chosen = BENCHMARKS if name == "all" else (BY_NAME[name],)
    results = []
    for benchmark in chosen:
        result = benchmark.run(quick)
        results.append(result)
        if not as_json:
            show(result)
    if as_json:
        body = [r.as_json() for r in results]
        typer.echo(json.dumps(body if name == "all" else body[0], ensure_ascii=False, indent=1))
