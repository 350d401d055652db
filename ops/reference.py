"""The tables of the README that follow from code. ``python -m ops.reference`` writes them anew.

Each stands between ``<!-- name -->`` and ``<!-- /name -->``; a test compares them with the code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from schemas.settings import Settings
from schemas.topics import DAY_MS, TOPICS
from streams.core.dispute_moves import DISPUTE_STATES
from streams.core.lead_moves import LEAD_STATES
from streams.core.moves import state_diagram

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    rows = []
    for name, row in Settings.model_fields.items():
        default = row.default
        shown = "" if hasattr(default, "get_secret_value") else f"`{default}`" if default else ""
        rows.append((f"`GRIDWHISTLE_{name.upper()}`", shown, row.description or ""))
    return _table(("variable", "default", "meaning"), rows)


def topics_table() -> str:
    rows = []
    for t in TOPICS:
        kept = "compacted" if t.cleanup == "compact" else f"{t.retention_ms // DAY_MS} d"
        rows.append((f"`{t.name}`", t.note, f"`{t.carries}`", t.key, str(t.partitions), kept))
    return _table(("topic", "内容", "carries", "key", "partitions", "kept"), rows)


def metrics_table() -> str:
    from ops.metrics import CATALOGUE

    rows = [
        (f"`{m.name}`", m.kind.__name__.lower(), " ".join(m.labels), m.process, m.help)
        for m in CATALOGUE
    ]
    return _table(("metric", "kind", "labels", "process", "meaning"), rows)


def _diagram(text: str) -> str:
    return f"```mermaid\n{text}\n```"


def moves_diagram() -> str:
    return _diagram(state_diagram())


def disputes_diagram() -> str:
    return _diagram(state_diagram(DISPUTE_STATES))


def leads_diagram() -> str:
    return _diagram(state_diagram(LEAD_STATES))


SECTIONS = {
    "diagram": moves_diagram,
    "disputes": disputes_diagram,
    "leads": leads_diagram,
    "settings": settings_table,
    "topics": topics_table,
    "metrics": metrics_table,
}


def written(text: str) -> str:
    """``text`` with every section written anew. ValueError when a marker is missing."""
    for name, make in SECTIONS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        pieces = pattern.split(text)  # before, opening marker, closing marker, after
        if len(pieces) != 4:
            raise ValueError(f"README.md: markers of section {name!r} must stand there once")
        text = f"{pieces[0]}{pieces[1]}{make()}\n{pieces[2]}{pieces[3]}"
    return text


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
    print(f"{README.name} is current", file=sys.stderr)
