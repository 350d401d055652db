"""Who may ask: four fixed users, their passwords, and limits a client cannot raise.

chDB has no users of its own, so the front keeps them. On a real ClickHouse the same four are
roles in `sql/roles/production.sql`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.store.failure import StoreFailure, failure

PASSWORD_VARIABLE = "GRIDWHISTLE_CLICKHOUSE_PASSWORD"  # noqa: S105
GIB = 1 << 30


@dataclass(frozen=True)
class Role:
    """A user and its engine settings; `readonly` ones can change neither data nor settings."""

    name: str
    readonly: bool
    settings: Mapping[str, int | str]


def _memory_share(share: float) -> int:
    """Bytes: this share of the machine's memory."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * share)


ROLES = {
    role.name: role
    for role in (
        Role("default", False, {"max_memory_usage": _memory_share(0.6)}),
        Role("writer",  False, {"max_memory_usage": _memory_share(0.6)}),
        Role("wall",    True,  {"max_execution_time": 10,
                                "max_memory_usage": 1 * GIB,
                                "max_result_rows": 200_000,
                                "max_result_bytes": GIB // 4,
                                "result_overflow_mode": "throw"}),
        Role("reports", True,  {"max_execution_time": 300,
                                "max_memory_usage": 4 * GIB,
                                "max_result_rows": 20_000_000,
                                "max_result_bytes": 2 * GIB,
                                "result_overflow_mode": "throw"}),
    )
}  # fmt: skip


class BadPasswords(ValueError):
    """The password file cannot be used; the message says why, in Chinese and English."""


def read_passwords(file: Path | None) -> dict[str, str]:
    """User → password from a file of mode 0600 (JSON object, or `user=password` lines), or the
    administrator's alone from the environment.

    Users without a password cannot sign in. Raises BadPasswords.
    """
    if file is None:
        password = os.environ.get(PASSWORD_VARIABLE, "")
        if not password:
            raise BadPasswords(
                f"没有口令：请给出 --password-file 或环境变量 {PASSWORD_VARIABLE} / "
                f"no password: give --password-file or set {PASSWORD_VARIABLE}"
            )
        return {"default": password}
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPasswords(
            f"口令文件 {file} 读不了 / cannot read the password file: {error}"
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise BadPasswords(
            f"口令文件 {file} 别人也能读，请 chmod 600 / "
            "others can read the password file: chmod 600"
        )
    passwords = _parse_passwords(text, file)
    for user, password in passwords.items():
        if user not in ROLES:
            raise BadPasswords(
                f"口令文件 {file} 里有不认识的用户 {user} / unknown user in the password file; "
                f"known: {', '.join(ROLES)}"
            )
        if not password:
            raise BadPasswords(f"用户 {user} 的口令为空 / the password of {user} is empty ({file})")
    if not passwords:
        raise BadPasswords(f"口令文件 {file} 是空的 / the password file is empty")
    return passwords


def _parse_passwords(text: str, file: Path) -> dict[str, str]:
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise BadPasswords(f"口令文件 {file} 不是 JSON / not JSON: {error}") from error
        return {str(user): str(password) for user, password in found.items()}
    passwords = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        user, sign, password = line.partition("=")
        if not sign:
            raise BadPasswords(
                f"口令文件 {file} 第 {number} 行应为 用户=口令 / "
                f"line {number} of the password file is not user=password"
            )
        passwords[user.strip()] = password.strip()
    return passwords


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """User and password, looked for where ClickHouse looks: its headers, Basic, the URL."""
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", "")
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return "default", ""
        user, _, password = plain.partition(":")
        return user or "default", password
    return query.get("user") or "default", query.get("password", "")


def authenticate(
    headers: Mapping[str, str], query: Mapping[str, str], passwords: Mapping[str, str]
) -> Role:
    """The role of the request's user. Raises StoreFailure 516, the same for a wrong password and
    for a user that does not exist."""
    user, password = _credentials(headers, query)
    known = passwords.get(user)
    right = hmac.compare_digest(password.encode(), (known or "").encode())
    if known is None or not right:
        raise _wrong(user)
    return ROLES[user]


def _wrong(user: str) -> StoreFailure:
    shown = user if user.isidentifier() else "?"
    return failure(
        516,
        f"{shown}: Authentication failed: password is incorrect, "
        "or there is no user with such name.",
    )
