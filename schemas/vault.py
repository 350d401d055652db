"""Contact of a reporter, sealed: the topic ``contact-vault`` carries it, nothing else does."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.case import Model
from schemas.raw import Token


class Contact(Model):
    """``sealed``: base64 of an HPKE message (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM).

    Only the holder of the private key ``key_id`` opens it; the edge that writes it cannot.
    """

    token: Annotated[Token, Field(min_length=1)]
    channel: str
    source: str
    event_id: str
    key_id: str
    sealed: str
