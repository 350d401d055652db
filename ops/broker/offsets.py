"""Committed offsets of consumer groups, durable."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .journal import Journal


class Committed(NamedTuple):
    offset: int
    metadata: str


class Offsets:
    """Group, topic and partition → what was committed last."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._groups: dict[str, dict[tuple[str, int], Committed]] = {}
        for key, value in self._journal.rows.items():
            self._take(str(key[0]), str(key[1]), int(key[2]), Committed(*value))

    def _take(self, group: str, topic: str, partition: int, committed: Committed | None) -> None:
        if committed is not None:
            self._groups.setdefault(group, {})[topic, partition] = committed
        elif group in self._groups:
            self._groups[group].pop((topic, partition), None)
            if not self._groups[group]:
                del self._groups[group]

    def commit(self, group: str, rows: Iterable[tuple[str, int, Committed | None]]) -> None:
        """Keeps all rows in one write, None removes. Raises Refused(KAFKA_STORAGE_ERROR)."""
        rows = list(rows)
        self._journal.put(((group, t, p), list(c) if c else None) for t, p, c in rows)
        for topic, partition, committed in rows:
            self._take(group, topic, partition, committed)

    def of(self, group: str) -> dict[tuple[str, int], Committed]:
        """What a group has committed, by topic and partition."""
        return self._groups.get(group, {})

    def groups(self) -> list[str]:
        return list(self._groups)

    def drop_group(self, group: str) -> None:
        self.commit(group, [(t, p, None) for t, p in self.of(group)])

    def drop_topic(self, topic: str) -> None:
        """A deleted topic's offsets go with it: one of the same name starts afresh."""
        for group in self.groups():
            self.commit(group, [(t, p, None) for t, p in self.of(group) if t == topic])

    def close(self) -> None:
        self._journal.close()
