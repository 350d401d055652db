"""Tokens of sources: who may send on which channels. Only hashes are stored.

A token is 32 random bytes, so a plain SHA-256 of it cannot be guessed back.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.raw import TOPIC_OF

#: the token file below a secrets directory
FILE = "sources.toml"

SOURCE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")


class TokenProblem(Exception):
    """The token file cannot be used, or what was asked of it makes no sense."""


class Grant(BaseModel):
    """What one token allows. ``id`` names it in lists and logs; it is no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(pattern=SOURCE.pattern)]
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]
    created: datetime


class TokenBook:
    """The token file, read again whenever it changed: a revoked token stops working at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._grants: tuple[Grant, ...] = ()

    def grants(self) -> tuple[Grant, ...]:
        """All tokens in force; none when there is no file yet. TokenProblem when it is broken."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._grants = None, ()
            return ()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            if stat.st_mode & 0o077:
                raise TokenProblem(f"{self._path} 对他人可读,请执行 chmod 600 {self._path}")
            self._grants = _parse(self._path)
            self._stamp = stamp
        return self._grants

    def find(self, token: str) -> Grant | None:
        """The grant of a presented token. Every hash is compared, in constant time."""
        digest = _hash(token)
        found = None
        for grant in self.grants():
            if hmac.compare_digest(digest, grant.sha256):
                found = grant
        return found

    def create(self, source: str, channels: Iterable[str]) -> str:
        """Adds a token and returns it, the only time it can be seen. TokenProblem on bad names."""
        wanted = tuple(dict.fromkeys(channels))
        if not SOURCE.match(source):
            raise TokenProblem(f"来源名 {source!r} 只能含字母、数字、点、横线、下划线,最长 64")
        if not wanted or (unknown := [name for name in wanted if name not in TOPIC_OF]):
            bad = "、".join(unknown) if wanted else "(空)"
            raise TokenProblem(f"未知渠道:{bad};可用:{'、'.join(TOPIC_OF)}")
        token = secrets.token_urlsafe(32)
        grant = Grant(
            id=secrets.token_hex(4),
            source=source,
            channels=wanted,
            sha256=_hash(token),
            created=datetime.now(UTC).replace(microsecond=0),
        )
        self._write((*self.grants(), grant))
        return token

    def revoke(self, name: str) -> tuple[Grant, ...]:
        """Removes the token of this id, or all of this source. TokenProblem if there is none."""
        grants = self.grants()
        gone = tuple(grant for grant in grants if name in (grant.id, grant.source))
        if not gone:
            raise TokenProblem(f"没有编号或来源为 {name!r} 的令牌")
        self._write(tuple(grant for grant in grants if grant not in gone))
        return gone

    def _write(self, grants: tuple[Grant, ...]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# 接入令牌:只存哈希。用命令行增删,修改即时生效。\n")
            file.writelines(_entry(grant) for grant in grants)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._stamp = None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _parse(path: Path) -> tuple[Grant, ...]:
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("token", [])
        return tuple(Grant.model_validate(row) for row in rows)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TokenProblem(f"{path} 不是合法的 TOML:{error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise TokenProblem(f"{path}:字段 {where}:{first['msg']}") from error


def _entry(grant: Grant) -> str:
    channels = ", ".join(f'"{name}"' for name in grant.channels)
    return (
        f'\n[[token]]\nid = "{grant.id}"\nsource = "{grant.source}"\nchannels = [{channels}]\n'
        f'sha256 = "{grant.sha256}"\ncreated = {grant.created.strftime("%Y-%m-%dT%H:%M:%SZ")}\n'
    )
