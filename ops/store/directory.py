"""The data directory: one process at a time, of a format this version knows, with room to write."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO

FORMAT = 1
STATE = "gridwhistle-store.json"
LOCK = "gridwhistle-store.lock"
ENGINE = "engine"  # what belongs to chDB
SPILL = "spill"  # request bodies on their way in
PATTERN = set("*?{}[]")  # the engine would take them for a pattern of files
LEAST_FREE = 64 << 20  # bytes; below this the engine could not even merge


class CannotStart(RuntimeError):
    """The store cannot start; the message is one sentence in Chinese and English."""


class Directory:
    """A claimed data directory. Holding the object holds the lock."""

    def __init__(self, root: Path, lock: IO[str]) -> None:
        self.root = root
        self.engine = root / ENGINE
        self.spill = root / SPILL
        self._lock = lock

    def release(self) -> None:
        self._lock.close()


def claim(root: Path) -> Directory:
    """Lock the directory and make it ready. Raises CannotStart: not writable, full, in use by
    another process, or written by a newer version."""
    root = root.resolve()
    if PATTERN & set(str(root)):
        raise CannotStart(
            f"数据目录 {root} 的路径不能含有 * ? {{ }} [ ] / "
            "the path of the data directory must not contain * ? { } [ ]"
        )
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (root / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise _unwritable(root, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read(32).strip() or "?"
        lock.close()
        raise CannotStart(
            f"数据目录 {root} 正被另一个进程（{holder}）使用 / "
            f"the data directory is in use by another process ({holder})"
        ) from error
    try:
        _check_format(root / STATE)
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        directory = Directory(root, lock)
        directory.engine.mkdir(exist_ok=True)
        shutil.rmtree(directory.spill, ignore_errors=True)  # left over from a killed process
        directory.spill.mkdir()
        _check_room(root)
    except OSError as error:
        lock.close()
        raise _unwritable(root, error) from error
    except CannotStart:
        lock.close()
        raise
    return directory


def _unwritable(root: Path, error: OSError) -> CannotStart:
    return CannotStart(
        f"数据目录 {root} 写不进去 / cannot write to the data directory: {error.strerror or error}"
    )


def _check_format(state: Path) -> None:
    if not state.exists():
        fresh = state.with_suffix(".new")
        fresh.write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")
        fresh.replace(state)
        return
    try:
        found = int(json.loads(state.read_text(encoding="utf-8"))["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"文件 {state} 已损坏 / {state.name} is damaged: {error}") from error
    if found > FORMAT:
        raise CannotStart(
            f"数据目录 {state.parent} 来自更新的版本（格式 {found}，本版本为 {FORMAT}），请升级 / "
            f"the data directory is from a newer version (format {found}, this one knows {FORMAT})"
        )


def _check_room(root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < LEAST_FREE:
        raise CannotStart(
            f"数据目录 {root} 所在磁盘已满，只剩 {free >> 20} MB / "
            f"the disk of the data directory is full: {free >> 20} MB left"
        )
