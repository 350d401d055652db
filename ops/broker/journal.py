"""A small durable table: keys and values as JSON lines, the last line of a key counts.

For what the broker itself must remember: committed offsets, group members, transactions. The file
is written anew when most of it is out of date, so it stays within a few times what is alive.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .codes import Code, Refused

Key = tuple[str | int, ...]
REWRITE_LINES = 4000


class Journal:
    """`rows` is what is alive. A write is durable as an append to a log is: the OS has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[Key, Any] = {}
        self._lines = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._size = 0
        self._load()

    def _load(self) -> None:
        raw = self.path.read_bytes()
        whole = raw.rfind(b"\n") + 1
        for line in raw[:whole].splitlines():
            try:
                key, value = json.loads(line)
            except ValueError:
                continue  # overwritten half-way by a crash; the next lines stand on their own
            self._apply(tuple(key), value)
            self._lines += 1
        self._size = whole
        os.ftruncate(self._fd, whole)

    def _apply(self, key: Key, value: Any) -> None:
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def put(self, changes: Iterable[tuple[Key, Any]]) -> None:
        """Sets rows, or removes those whose value is None, all in one write.

        Raises Refused(KAFKA_STORAGE_ERROR) when it cannot be written; then nothing has changed.
        """
        changes = list(changes)
        data = b"".join(json.dumps(change).encode() + b"\n" for change in changes)
        try:
            if os.pwrite(self._fd, data, self._size) != len(data):
                raise OSError("the disk took only a part")
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                pass  # the next write goes over it
            raise Refused(Code.KAFKA_STORAGE_ERROR, f"{self.path}: {error}") from error
        self._size += len(data)
        self._lines += len(changes)
        for key, value in changes:
            self._apply(key, value)
        if self._lines > REWRITE_LINES + 4 * len(self.rows):
            self._rewrite()

    def _rewrite(self) -> None:
        draft = self.path.with_suffix(".draft")
        data = b"".join(json.dumps(row).encode() + b"\n" for row in self.rows.items())
        try:
            fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                if os.write(fd, data) != len(data):
                    raise OSError("the disk took only a part")
                os.fsync(fd)
            except OSError:
                os.close(fd)
                raise
            draft.replace(self.path)
        except OSError:
            draft.unlink(missing_ok=True)
            return  # the long file is still right; tried again at the next write
        os.close(self._fd)
        self._fd, self._size, self._lines = fd, len(data), len(self.rows)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
