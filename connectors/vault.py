"""Reporters at the edge: a stable token for whoever reports, a sealed envelope for call-backs.

Keys are files of one directory, readable by their owner alone:

    reporter-hmac.key   makes tokens; changing it makes every reporter a new one
    vault-public.pem    seals contacts; all the edge needs
    vault-private.pem   opens them; belongs where call-backs are made, and may be moved there
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from schemas.vault import Contact

#: folder of the keys below a secrets directory, the same for every process that makes tokens
KEYS = "vault"

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class KeyProblem(Exception):
    """A key file is missing, broken or readable by others. The message names file and remedy."""


@dataclass(frozen=True)
class Reporters:
    """Makes tokens and seals contacts. ``key`` is secret; ``public`` is not."""

    key: bytes = field(repr=False)
    public: X25519PublicKey

    @property
    def key_id(self) -> str:
        raw = self.public.public_bytes_raw()
        return hashlib.sha256(raw).hexdigest()[:16]

    def token(self, kind: str, identity: str) -> str:
        """Stable pseudonym, ``r-`` and 32 hex digits (HMAC-SHA256, cut to 128 bits)."""
        digest = hmac.new(self.key, f"{kind}\x1f{identity}".encode(), hashlib.sha256).hexdigest()
        return f"r-{digest[:32]}"

    def seal(self, phone: str, *, token: str, channel: str, source: str, event_id: str) -> Contact:
        sealed = _SUITE.encrypt(phone.encode(), self.public, info=token.encode())
        return Contact(
            token=token,
            channel=channel,
            source=source,
            event_id=event_id,
            key_id=self.key_id,
            sealed=base64.b64encode(sealed).decode(),
        )


def open_contact(contact: Contact, private: X25519PrivateKey) -> str:
    """The phone inside. KeyProblem when the key is another one or the envelope was changed."""
    try:
        plain = _SUITE.decrypt(
            base64.b64decode(contact.sealed), private, info=contact.token.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise KeyProblem(f"联系方式无法解密:私钥不是 {contact.key_id},或密文已被改动") from error
    return plain.decode()


def phone_number(text: str) -> str | None:
    """Digits of a phone as one person would be known by: no +86, no separators. None if it is not
    one (5 to 15 digits, E.164)."""
    digits = "".join(str(int(sign)) for sign in text if sign.isdecimal())
    if len(digits) >= 13 and digits.startswith("0086"):
        digits = digits[4:]
    elif len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return digits if 5 <= len(digits) <= 15 else None


def load_or_create(directory: Path) -> Reporters:
    """Reads the keys of ``directory``; makes them on first use. KeyProblem says what is wrong."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = _read_or_create(
        directory / "reporter-hmac.key", lambda: secrets.token_hex(32).encode()
    )
    public = directory / "vault-public.pem"
    if not public.exists():
        private = _read_or_create(directory / "vault-private.pem", _new_private)
        _read_or_create(public, lambda: _public_of(private, directory / "vault-private.pem"))
    try:
        key = bytes.fromhex(secret.decode().strip())
        loaded = serialization.load_pem_public_key(public.read_bytes())
    except (ValueError, UnicodeDecodeError) as error:
        raise KeyProblem(f"{directory} 中的密钥文件已损坏:{error}") from error
    if len(key) < 32 or not isinstance(loaded, X25519PublicKey):
        raise KeyProblem(f"{directory}:需要 32 字节的 HMAC 密钥和 X25519 公钥")
    return Reporters(key, loaded)


def private_key(directory: Path) -> X25519PrivateKey:
    """The key that opens contacts. KeyProblem when it is not kept here."""
    path = directory / "vault-private.pem"
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise KeyProblem(f"{path} 不可用:{error}") from error
    if not isinstance(loaded, X25519PrivateKey):
        raise KeyProblem(f"{path} 不是 X25519 私钥")
    return loaded


def _new_private() -> bytes:
    return X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_of(private: bytes, path: Path) -> bytes:
    try:
        key = serialization.load_pem_private_key(private, None)
    except ValueError as error:
        raise KeyProblem(f"{path} 已损坏:{error}") from error
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """Two processes may start at once: whoever links first wins, both read the same key."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if path.stat().st_mode & 0o077:
        raise KeyProblem(f"{path} 对他人可读,请执行 chmod 600 {path}")
    return path.read_bytes()
