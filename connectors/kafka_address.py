"""Where Kafka is and how to sign in, for every client of ours; and the two kinds of bad news."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.settings import Settings


class KafkaUnavailable(Exception):
    """The broker did not acknowledge in time. The record may or may not be in the topic."""


class RecordTooLarge(Exception):
    """A record no topic takes; sending it again cannot help."""


@dataclass(frozen=True)
class KafkaAddress:
    """``bootstrap`` is ``host:port``, several with commas. SASL is SCRAM-SHA-512 over TLS."""

    bootstrap: str
    security: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = "PLAINTEXT"
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> KafkaAddress:
        return cls(
            bootstrap=settings.kafka,
            security=settings.kafka_security,  # type: ignore[arg-type]
            username=settings.kafka_username,
            password=settings.kafka_password.get_secret_value(),
        )

    def client(self) -> dict[str, Any]:
        """Keyword arguments both aiokafka and kafka-python take."""
        options: dict[str, Any] = {
            "bootstrap_servers": [part.strip() for part in self.bootstrap.split(",")],
            "security_protocol": self.security,
        }
        if self.security != "PLAINTEXT":
            options["ssl_context"] = ssl.create_default_context()
        if self.security == "SASL_SSL":
            options |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options
