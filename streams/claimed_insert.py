"""An insert that the store refuses unless its sender is the claimed writer of every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from string import Template
from typing import Any
from weakref import WeakKeyDictionary

import lz4.frame
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.insert import InsertContext

from connectors.sqlfiles import read_sql

DATA_AFTER = b" FORMAT Native\n"

_types: WeakKeyDictionary[Client, dict[str, tuple[Sequence[Any], str]]] = WeakKeyDictionary()


def insert_as_writer(
    client: Client,
    table: str,
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    writer: str,
    settings: Mapping[str, Any],
) -> None:
    """Insert whole columns, all or nothing. Raises what the client raises; code 395 when another
    writer has claimed one of the partitions. The table is described once for each client."""
    types, structure = _described(client, table, names)
    context = InsertContext(
        table, list(names), types, columns, column_oriented=True, block_size=len(columns[0])
    )
    (plain,) = (piece for piece in client._transform.build_insert(context) if piece)
    if context.insert_exception is not None:
        raise context.insert_exception
    data_at = plain.index(DATA_AFTER) + len(DATA_AFTER)
    body = memoryview(plain)[data_at:]
    send_as_writer(client, table, names, structure, (body,), writer, settings)


def send_as_writer(
    client: Client,
    table: str,
    names: Sequence[str],
    structure: str,
    body: Iterable[bytes | memoryview],
    writer: str,
    settings: Mapping[str, Any],
) -> None:
    """The same with a block in Native format, whose columns are as ``structure`` says. Its pieces
    are compressed as they come: the block is never in memory whole."""
    head = _statement().substitute(
        table=table, columns=", ".join(f"`{name}`" for name in names),
        structure=structure.replace("'", "\\'"), writer=writer,
    )  # fmt: skip
    packer = lz4.frame.LZ4FrameCompressor()
    packed = bytearray(packer.begin() + packer.compress(head.encode()))
    for piece in body:
        packed += packer.compress(piece)
    packed += packer.flush()
    client.raw_insert("", insert_block=packed, compression="lz4", settings=dict(settings))


@cache
def _statement() -> Template:
    text = read_sql("ledger/insert_as_writer.sql")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return Template("\n".join(lines) + "\n")


def _described(client: Client, table: str, names: Sequence[str]) -> tuple[Sequence[Any], str]:
    known = _types.setdefault(client, {})
    if table not in known:
        context = client.create_insert_context(table, list(names), column_oriented=True)
        kinds = [kind.name for kind in context.column_types]
        pairs = zip(names, kinds, strict=True)
        structure = ", ".join(f"`{name}` {kind}" for name, kind in pairs)
        known[table] = (context.column_types, structure)
    return known[table]
