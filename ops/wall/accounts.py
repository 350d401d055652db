"""Work accounts and wall tokens: two small TOML files in the secrets folder, mode 0600.

An account is a post (``desk-01``), never a person's name. Passwords are kept as argon2id hashes.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Role = Literal["operator", "supervisor", "unit", "viewer"]
ROLES: tuple[str, ...] = get_args(Role)
_ID = re.compile(r"[a-z0-9][a-z0-9_.\-]{1,39}")
_UNIT = re.compile(r"[a-z0-9\-]{0,80}")
_AREA = re.compile(r"\d{0,15}")
SHORTEST_PASSWORD = 10
_HASHER = PasswordHasher()  # RFC 9106, low-memory profile
#: Checked for unknown accounts, so that an answer takes as long as for known ones.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


class BadAccount(ValueError):
    """An account that cannot be: the sentence says which field and what would do."""


class LooseFile(Exception):
    """A secrets file that others may read. The sentence gives the remedy."""


@dataclass(frozen=True)
class Account:
    id: str
    role: Role
    unit: str = ""  # required of the role unit
    area: str = ""  # area code prefix; "" = the whole city
    hash: str = ""

    def verify(self, password: str) -> bool:
        """Whether the password is right. Takes about 50 ms: call it in a thread."""
        try:
            return _HASHER.verify(self.hash, password)
        except (VerificationError, InvalidHashError):
            return False

    @property
    def version(self) -> str:
        """Changes with the password: sessions of the old one end."""
        return self.hash[-12:]


def checked(id_: str, role: str, unit: str, area: str, password: str) -> Account:
    """A new account. BadAccount says what is wrong."""
    if not _ID.fullmatch(id_):
        raise BadAccount(f"账号 {id_!r} 须为 2–40 位小写字母、数字、点、横线或下划线")
    if role not in ROLES:
        raise BadAccount(f"角色 {role!r} 不在 {' | '.join(ROLES)} 之中")
    if not _UNIT.fullmatch(unit) or (role == "unit" and not unit):
        raise BadAccount("承办单位账号须给出单位编号（--unit，见 units.tsv）")
    if not _AREA.fullmatch(area):
        raise BadAccount(f"区域 {area!r} 须为行政区划代码前缀")
    return Account(id_, role, unit, area, hashed(password))  # type: ignore[arg-type]


def hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise BadAccount(f"口令至少 {SHORTEST_PASSWORD} 位")
    return _HASHER.hash(password)


def check_nobody(password: str) -> None:
    """Spend the time of a check for an account that does not exist."""
    try:
        _HASHER.verify(_NOBODY, password)
    except VerificationError:
        pass


class Secrets:
    """The secrets folder. Files are read again when they change, so edits need no restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, tuple[tuple[int, int], Mapping[str, Mapping[str, str]]]] = {}

    def accounts(self) -> dict[str, Account]:
        """All accounts by id. LooseFile when others may read the file."""
        return {k: Account(id=k, **v) for k, v in self._read("accounts").items()}  # type: ignore[arg-type]

    def keep(self, account: Account) -> None:
        fields = {"role": account.role, "unit": account.unit}
        fields |= {"area": account.area, "hash": account.hash}
        self._write("accounts", {**self._read("accounts"), account.id: fields})

    def remove(self, id_: str) -> bool:
        rows = dict(self._read("accounts"))
        found = rows.pop(id_, None) is not None
        if found:
            self._write("accounts", rows)
        return found

    def wall_tokens(self) -> dict[str, str]:
        """Token → the area it shows."""
        return {row["token"]: row["area"] for row in self._read("walls").values()}

    def wall_token(self, area: str = "") -> str:
        """The token of a wall for that area; made on first use."""
        if not _AREA.fullmatch(area):
            raise BadAccount(f"区域 {area!r} 须为行政区划代码前缀")
        rows, name = dict(self._read("walls")), area or "city"
        if name not in rows:
            rows[name] = {"token": secrets.token_urlsafe(18), "area": area}
            self._write("walls", rows)
        return rows[name]["token"]

    def revoke_wall(self, area: str = "") -> None:
        """End every wall of that area: their cookies stop working with the token."""
        rows = dict(self._read("walls"))
        rows.pop(area or "city", None)
        self._write("walls", rows)

    def session_key(self) -> bytes:
        """Key that signs sessions; made on first use."""
        path = self.folder / "session.key"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as f:
                f.write(secrets.token_bytes(48))
        except FileExistsError:
            _check_mode(path)
        return path.read_bytes()

    def _read(self, name: str) -> Mapping[str, Mapping[str, str]]:
        path = self.folder / f"{name}.toml"
        try:
            stat = path.stat()
        except FileNotFoundError:
            return {}
        _check_mode(path)
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if name not in self._seen or self._seen[name][0] != stamp:
            self._seen[name] = (stamp, tomllib.loads(path.read_text("utf-8")))
        return self._seen[name][1]

    def _write(self, name: str, rows: Mapping[str, Mapping[str, str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = []
        for key, row in sorted(rows.items()):
            lines.append(f'["{key}"]')
            lines += [f'{field} = "{value}"' for field, value in row.items()]
        # A file of mkstemp has mode 0600 from its first byte.
        handle, fresh = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        Path(fresh).replace(self.folder / f"{name}.toml")


def _check_mode(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise LooseFile(f"{path} 可被其他用户读取，请执行 chmod 600 {path}")
