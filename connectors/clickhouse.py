"""The one place that makes ClickHouse clients, and says what went wrong with them.

`ENGINE_SETTINGS` are set on every connection because the engine's own defaults can lose data in
silence; the embedded store sets the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DATABASE: Final = "gridwhistle"

ENGINE_SETTINGS: Final[Mapping[str, int]] = {
    "async_insert":                  0,  # on since 26: answers before rows are in a part
    "wait_for_async_insert":         1,
    "insert_deduplicate":            1,  # a resent block counts once
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialized_views_ignore_errors": 0,  # 1 hides rows missing from a view
    "input_format_skip_unknown_fields": 0,  # 1 drops what the table has no column for
    "input_format_null_as_default":  0,  # 1 turns a missing value into 0
}  # fmt: skip
