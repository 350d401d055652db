"""Reads the ``.sql`` files shipped in the folder ``sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def read_sql(name: str) -> str:
    """Text of ``sql/<name>``, e.g. ``ledger/fence.sql``. FileNotFoundError if there is none."""
    return files("sql").joinpath(name).read_text("utf-8")


def sql_folder(name: str) -> Path:
    """Folder ``sql/<name>`` on disk."""
    return Path(str(files("sql").joinpath(name)))
