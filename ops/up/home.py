"""The data directory of ``up``: its lock, format, secrets, and where the running system answers."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
STORE_USERS = ("default", "writer", "wall", "reports")


class HomeProblem(RuntimeError):
    """Why the data directory cannot be used; one sentence, zh / en."""


@dataclass(frozen=True)
class Home:
    """``path`` holds broker/ store/ workers/ logs/ secrets/ corrections/ and run.json."""

    path: Path

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def store_passwords(self) -> Path:
        return self.secrets / "store.json"

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def passwords(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.store_passwords.read_text("utf-8"))
        return found


def open_home(path: Path) -> tuple[Home, int]:
    """Make or open a data directory and lock it. The lock lasts as long as its descriptor.

    HomeProblem when it is in use, not writable, or from a newer version.
    """
    home = Home(path.resolve())
    try:
        home.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(home.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise HomeProblem(f"数据目录 {path} 不能写:{exc.strerror} / not writable") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(lock)
        raise HomeProblem(
            f"数据目录 {path} 正被另一个 gridwhistle up 使用 / in use by another gridwhistle up"
        ) from exc
    try:
        _check_format(home)
        _make_secrets(home)
    except OSError as exc:
        raise HomeProblem(f"数据目录 {path} 写入失败:{exc.strerror} / cannot be written") from exc
    for name in ("broker", "store", "workers", "logs"):
        home.folder(name)
    return home, lock


def _check_format(home: Home) -> None:
    file = home.path / "gridwhistle.json"
    if file.exists():
        try:
            found = int(json.loads(file.read_text("utf-8"))["format"])
        except (ValueError, KeyError, TypeError) as exc:
            raise HomeProblem(f"{file} 已损坏 / is damaged") from exc
        if found > FORMAT:
            raise HomeProblem(
                f"数据目录格式为 {found},本程序只认识到 {FORMAT}:请升级 gridwhistle / "
                "the data directory is from a newer version"
            )
        return
    write_private(file, json.dumps({"format": FORMAT}))


def _make_secrets(home: Home) -> None:
    home.secrets.mkdir(mode=0o700, exist_ok=True)
    home.secrets.chmod(0o700)
    if not home.store_passwords.exists():
        made = {user: secrets.token_urlsafe(24) for user in STORE_USERS}
        write_private(home.store_passwords, json.dumps(made))


def write_private(file: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    fresh = file.with_name(file.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(file)


def write_run(home: Home, run: dict[str, Any]) -> None:
    """Tell other commands where the running system answers (no secrets in it)."""
    write_private(home.path / "run.json", json.dumps(run, ensure_ascii=False, indent=1))


def clear_run(home: Home) -> None:
    (home.path / "run.json").unlink(missing_ok=True)


def running(path: Path) -> dict[str, Any] | None:
    """run.json of a data directory, when a live ``up`` wrote it."""
    try:
        found: dict[str, Any] = json.loads((path / "run.json").read_text("utf-8"))
        os.kill(int(found["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return found


def environment(home: Home, run: dict[str, Any], user: str = "writer") -> dict[str, str]:
    """Environment that points a process at the running system, as store user ``user``."""
    return {
        "GRIDWHISTLE_KAFKA": run["kafka"],
        "GRIDWHISTLE_CLICKHOUSE": run["clickhouse"],
        "GRIDWHISTLE_CLICKHOUSE_USER": user,
        "GRIDWHISTLE_CLICKHOUSE_PASSWORD": home.passwords()[user],
        "GRIDWHISTLE_PROFILE": run["profile"],
        "GRIDWHISTLE_DATA_DIR": str(home.path / "workers"),
        "GRIDWHISTLE_SECRETS_DIR": str(home.secrets),
        "GRIDWHISTLE_CORRECTIONS_DIR": str(home.path / "corrections"),
    }
