"""The example files: what came in, and what we made of it or why we did not take it.

    schemas/examples/<channel>/<case>.<format>.in.json|xml|hex   what came in (hex: bytes in hex)
    schemas/examples/<channel>/<case>.raw.json                   the raw reports, as in the topic
    schemas/examples/bad/<channel>/<case>.<format>.in.…          what nobody can take
    schemas/examples/bad/<channel>/<case>.problems.json          index, field, code, reason of each

They drive tests, demo and docs. ``python -m connectors.inbound.examples`` writes what is expected
anew; read the difference before you keep it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from connectors.inbound.edge import Edge
from connectors.inbound.formats import read
from connectors.inbound.problems import Refused
from connectors.vault import Reporters

FOLDER = Path(__file__).parents[2] / "schemas" / "examples"
SOURCE = "example"


class Example(NamedTuple):
    channel: str
    case: str
    format: str
    good: bool
    came_in: Path
    expected: Path

    def body(self) -> bytes:
        """The bytes as a source would send them."""
        if self.came_in.suffix == ".hex":
            return bytes.fromhex(self.came_in.read_text("ascii"))
        return self.came_in.read_bytes()

    def wanted(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.expected.read_text("utf-8"))
        return found

    def made(self) -> list[dict[str, Any]]:
        """What the code makes of it today, in the form of the expected file."""
        try:
            reports = read(
                self.format, self.body(), edge=example_edge(), channel=self.channel, source=SOURCE
            )
        except Refused as refused:
            keys = ("index", "field", "code", "reason")
            return [{key: problem.listed()[key] for key in keys} for problem in refused.problems]
        return [report.model_dump(mode="json", exclude_none=True) for report in reports]


def examples(*, good: bool) -> list[Example]:
    """All examples of one kind, by channel and case."""
    folder = FOLDER if good else FOLDER / "bad"
    suffix = "raw" if good else "problems"
    found = []
    for path in sorted(folder.glob("*/*.in.*")):
        if path.parent.name == "bad":
            continue
        case, name = path.name.split(".")[:2]
        expected = path.with_name(f"{case}.{suffix}.json")
        found.append(Example(path.parent.name, case, name, good, path, expected))
    return found


def example_edge() -> Edge:
    """An edge with a fixed, public key, so that example tokens never change. For examples only."""
    private = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Edge(Reporters(bytes(range(32)), private.public_key()))


def main() -> None:
    for example in examples(good=True) + examples(good=False):
        text = json.dumps(example.made(), ensure_ascii=False, indent=2) + "\n"
        example.expected.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
