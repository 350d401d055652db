"""``gridwhistle replay``: a file of real reports into the running system."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta

    from connectors.inbound.edge import Edge
    from connectors.inbound.mapping import Mapping
    from connectors.inbound.problems import Problem
    from connectors.inbound.replay import Entry, Tally
    from connectors.inbound.table_file import Row

MOST_SHOWN = 20  # problems on screen; all are in the rejects file


def replay(
    file: Annotated[Path, typer.Argument(help="JSONL 或 CSV,可为 .gz / JSONL or CSV, may be gzip")],
    mapping: Annotated[
        str,
        typer.Option("--mapping", "-m", help="映射文件或自带映射名,如 petitions、nyc311"),
    ],
    speed: Annotated[
        str, typer.Option(help="max 尽快发送;数字 N 按原始间隔的 N 倍速 max, or N × real time")
    ] = "max",
    limit: Annotated[int, typer.Option(min=0, help="最多读多少行,0 不限 rows at most")] = 0,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="整体平移时间,使最后一条为现在 last row is now")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="只检查并显示前几条,不发送 check, send nothing"),
    ] = False,
    show: Annotated[int, typer.Option(min=0, help="--dry-run 显示多少条 rows shown")] = 3,
    encoding: Annotated[str, typer.Option(help="覆盖映射中的编码,如 gb18030 file encoding")] = "",
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", help="改写映射的字段,如 --set area_code=340104 override a field"),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="不合格行的清单,缺省为 FILE.rejects.jsonl")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """把一份导出文件按映射回放到系统中。可中断后重来:编号由文件内容决定,重复发送只算一次。

    Replays an export through a mapping. Safe to repeat: ids come from the file. Rows that do not
    fit are listed with line, field and reason, and the exit code is then 1.
    """
    from connectors.inbound.mapping import MappingProblem, load_mapping
    from connectors.inbound.table_file import FileProblem
    from connectors.vault import KeyProblem

    try:
        rate = None if speed == "max" else float(speed)
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError
    except ValueError:
        raise typer.BadParameter("应为 max 或大于 0 的数", param_hint="--speed") from None
    try:
        chosen = load_mapping(mapping)
        if encoding:
            chosen = chosen.model_copy(
                update={"file": chosen.file.model_copy(update={"encoding": encoding})}
            )
        if fields:
            chosen = chosen.with_fields(dict(pair.partition("=")[::2] for pair in fields))
        task = _Replay(file, chosen, limit, rejects, shift_to_now)
        tally = task.check(show) if dry_run else task.send(rate, data_dir)
    except (
        MappingProblem,
        FileProblem,
        KeyProblem,
        MemoryError,
        OSError,
    ) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    sent = "可发送" if dry_run else "发送"
    counts = f"{sent} {tally.sent},跳过 {tally.skipped},不合格 {tally.rejected}"
    where = f",清单见 {task.rejects}" if tally.rejected and not dry_run else ""
    typer.echo(f"读取 {tally.read} 行:{counts}{where}", err=True)
    raise typer.Exit(1 if tally.rejected else 0)


class _Replay:
    """One run: the file, its mapping, where rejected rows are listed."""

    def __init__(
        self, file: Path, mapping: Mapping, limit: int, rejects: Path | None, shift_to_now: bool
    ) -> None:
        from connectors.inbound.replay import Tally

        self.file = file
        self.mapping = mapping
        self.limit = limit
        self.rejects = rejects or _beside(file)
        self.tally = Tally()
        self._shift = self._to_now() if shift_to_now else None

    def check(self, show: int) -> Tally:
        """Maps everything, prints the first reports and problems, sends nothing."""
        import secrets

        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        from connectors.inbound.edge import Edge
        from connectors.vault import Reporters

        # Throw-away keys: nothing of a dry run is kept, so no key file needs to be there.
        public = X25519PrivateKey.generate().public_key()
        edge = Edge(Reporters(secrets.token_bytes(32), public))
        for entry in self._entries(edge, self._print_problem):
            if self.tally.sent < show:
                raw = entry.admitted.raw.model_dump(mode="json", exclude_defaults=True)
                typer.echo(json.dumps(raw, ensure_ascii=False, indent=2))
            self.tally.sent += 1
        return self.tally

    def send(self, speed: float | None, data_dir: Path) -> Tally:
        """Sends to Kafka under a progress display."""
        from ops.cli.progress import file_progress

        if "GRIDWHISTLE_KAFKA" not in os.environ:
            use_running(data_dir)
        self.rejects.unlink(missing_ok=True)
        size = self.file.stat().st_size if self.file.is_file() else 0
        with file_progress(size, lambda: f"已发送 {self.tally.sent}") as progress:
            try:
                asyncio.run(self._send(speed, progress.advance_to, progress.note))
            except KeyboardInterrupt:
                progress.note(f"已中断;发送了 {self.tally.sent} 条,再次运行同一命令即可续传")
                raise typer.Exit(130) from None
        return self.tally

    async def _send(
        self, speed: float | None, advance: Callable[[int], None], note: Callable[[str], None]
    ) -> None:
        from connectors.inbound.edge import Edge
        from connectors.inbound.replay import in_order, send_all
        from connectors.kafka import KafkaAddress, Producer
        from connectors.vault import KEYS, load_or_create
        from schemas.settings import settings

        edge = Edge(load_or_create(settings().secrets_dir / KEYS))
        found: Iterable[Entry]
        total = 0
        if speed is None:
            found = self._entries(edge, self._list_problem, advance)
        else:
            found = in_order(self._entries(edge, self._list_problem))
            total = len(found)

        def show() -> None:
            # Paced, the file was read in one go: then what was sent is the progress.
            if total:
                advance(self.file.stat().st_size * self.tally.sent // total)

        async with Producer(KafkaAddress.of(settings()), client_id="gridwhistle-replay") as sink:
            await send_all(
                found,
                sink,
                self.tally,
                speed=speed,
                on_sent=show,
                on_wait=lambda reason: note(f"Kafka 暂不可用,等待后重发:{reason}"),
            )

    def _entries(
        self,
        edge: Edge,
        on_reject: Callable[[int, tuple[Problem, ...]], None],
        advance: Callable[[int], None] = lambda read: None,
    ) -> Iterator[Entry]:
        from datetime import timedelta

        from connectors.inbound.replay import entries

        shift = self._shift or timedelta(0)
        rows = self._rows(advance)
        return entries(rows, self.mapping, edge, self.tally, on_reject, shift=shift)

    def _rows(self, advance: Callable[[int], None] = lambda read: None) -> Iterator[Row]:
        from itertools import islice

        from connectors.inbound.table_file import rows

        return islice(rows(self.file, self.mapping.file, progress=advance), self.limit or None)

    def _to_now(self) -> timedelta:
        from datetime import UTC, datetime, timedelta

        from connectors.inbound.replay import last_time

        latest = last_time(self._rows(), self.mapping)
        return timedelta(0) if latest is None else datetime.now(UTC) - latest

    def _list_problem(self, line: int, problems: tuple[Problem, ...]) -> None:
        with self.rejects.open("a", encoding="utf-8") as out:
            for problem in problems:
                row = {"line": line, "field": problem.field, "code": problem.code}
                out.write(json.dumps(row | {"reason": problem.reason}, ensure_ascii=False) + "\n")

    def _print_problem(self, line: int, problems: tuple[Problem, ...]) -> None:
        if self.tally.rejected <= MOST_SHOWN:
            for problem in problems:
                typer.echo(f"第 {line} 行 {problem.field or '(整行)'}:{problem.reason}", err=True)


def _beside(file: Path) -> Path:
    """FILE.rejects.jsonl next to the file, or here when that place cannot be written."""
    name = f"{file.name}.rejects.jsonl"
    return file.parent / name if os.access(file.parent, os.W_OK) else Path(name)
