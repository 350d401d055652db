"""The edge: the one way a report gets in. Validates, takes persons out, gives id, topic and key.

What identifies a person stops here: names and identity numbers are dropped with every other unknown
field, text is masked, a reporter becomes a token, a phone goes sealed into the vault topic.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connectors.inbound.problems import Problem, Refused, from_validation
from connectors.kafka import Record
from connectors.vault import Reporters, phone_number
from schemas.deadletter import Reason
from schemas.ids import SHANGHAI, event_id
from schemas.raw import RAW_MODELS, TOPIC_OF, Raw, Signal, TextReport
from schemas.redact import redact
from schemas.vault import Contact

VAULT_TOPIC = "contact-vault"


@dataclass(frozen=True)
class KnownCodes:
    """Codes of the profile in force. A report naming another one is refused, unless ``emergency``
    says it is one: those go on to the duty desk with the nearest place known."""

    areas: Container[str]
    classes: Container[str]
    devices: Container[str]
    emergency: Callable[[Raw], bool]


@dataclass(frozen=True)
class Admitted:
    raw: Raw
    event_id: str
    record: Record
    contact: Contact | None = None

    def records(self) -> tuple[Record, ...]:
        """What has to be acknowledged before the source hears that we have it."""
        if self.contact is None:
            return (self.record,)
        sealed = self.contact.model_dump_json().encode()
        return self.record, Record(VAULT_TOPIC, self.contact.token.encode(), sealed)


@dataclass(frozen=True)
class Edge:
    reporters: Reporters
    known: KnownCodes | None = None

    def admit(self, body: Any, *, channel: str, source: str, index: int = 0) -> Admitted:
        """One report in native form (the fields of its ``schemas.raw`` model).

        ``channel`` and ``source`` are the caller's word, never the body's. Refused with every
        problem. KeyError when the channel does not exist.
        """
        topic = TOPIC_OF[channel]
        if not isinstance(body, Mapping):
            raise Refused([Problem("", "wrong_type", "应为 JSON 对象", index)])
        name = body["id"] if isinstance(body.get("id"), str) else ""
        stated = body.get("channel")
        if stated not in (None, "", channel):
            raise Refused(
                [Problem("channel", "bad_value", f"与接入渠道 {channel} 不一致", index, name)]
            )
        fields = {**body, "channel": channel, "source": source}
        model = RAW_MODELS[topic]
        problems: list[Problem] = []
        phone = None
        if issubclass(model, TextReport):
            try:
                fields["reporter"], phone = self._reporter(body.get("reporter"), source)
            except ValueError as error:
                fields["reporter"] = ""
                problems.append(Problem("reporter", "bad_value", str(error), index, name))
        try:
            raw = model.model_validate(fields)
        except ValidationError as error:
            raise Refused(problems + from_validation(error, index, name)) from None
        if isinstance(raw, TextReport) and not (raw.title.strip() or raw.text.strip()):
            problems.append(
                Problem("text", "missing_field", "title 与 text 至少填一项", index, name)
            )
        problems += [
            Problem(field, code, reason, index, name) for field, code, reason in self._unknown(raw)
        ]
        if problems:
            raise Refused(problems)
        return self._admitted(raw, channel, topic, phone)

    def admit_all(self, bodies: Iterable[Any], *, channel: str, source: str) -> list[Admitted]:
        """All of a batch, or Refused with the problems of every bad item."""
        admitted, problems = self.sift(bodies, channel=channel, source=source)
        if problems:
            raise Refused(problems)
        return admitted

    def sift(
        self, bodies: Iterable[Any], *, channel: str, source: str
    ) -> tuple[list[Admitted], list[Problem]]:
        """The good items of a batch and the problems of the others."""
        admitted: list[Admitted] = []
        problems: list[Problem] = []
        for index, body in enumerate(bodies):
            try:
                admitted.append(self.admit(body, channel=channel, source=source, index=index))
            except Refused as refused:
                problems += refused.problems
        return admitted, problems

    def _admitted(self, raw: Raw, channel: str, topic: str, phone: str | None) -> Admitted:
        changes: dict[str, Any] = {}
        if raw.occurred_at is not None and raw.occurred_at.tzinfo is None:
            changes["occurred_at"] = raw.occurred_at.replace(tzinfo=SHANGHAI)
        if isinstance(raw, TextReport):
            for field in ("title", "text", "address"):
                if (masked := redact(getattr(raw, field))) != getattr(raw, field):
                    changes[field] = masked
        if changes:
            raw = raw.model_copy(update=changes)
        event = event_id(channel, raw.source, raw.id)
        contact = None
        if phone is not None and isinstance(raw, TextReport):
            contact = self.reporters.seal(
                phone, token=raw.reporter, channel=channel, source=raw.source, event_id=event
            )
        key = raw.device_id if isinstance(raw, Signal) else raw.id
        value = raw.model_dump_json(exclude_none=True).encode()
        return Admitted(raw, event, Record(topic, key.encode(), value), contact)

    def _reporter(self, given: Any, source: str) -> tuple[str, str | None]:
        """Token and, if there was one, the phone. An account counts within its source, a phone
        everywhere. ValueError says what is wrong, without the value."""
        if given is None or given == "" or given == {}:
            return "", None
        if isinstance(given, str):
            given = {"account": given}
        if not isinstance(given, Mapping):
            raise ValueError('应为账号字符串,或 {"phone": …} / {"account": …}')
        phone, account = given.get("phone"), given.get("account")
        if phone:
            number = phone_number(str(phone)) if isinstance(phone, (str, int)) else None
            if number is None:
                raise ValueError("phone 不是电话号码")
            return self.reporters.token("phone", number), number
        if account:
            if not isinstance(account, (str, int)):
                raise ValueError("account 应为字符串")
            return self.reporters.token("account", f"{source}\x1f{account}"), None
        return "", None

    def _unknown(self, raw: Raw) -> list[tuple[str, Reason, str]]:
        known = self.known
        if known is None:
            return []
        found: list[tuple[str, Reason, str]] = []
        if raw.area_code and raw.area_code not in known.areas:
            found.append(("area_code", "unknown_area", "配置中没有这个区划或网格编码"))
        if isinstance(raw, TextReport) and raw.class_code and raw.class_code not in known.classes:
            found.append(("class_code", "bad_value", "配置中没有这个事项编码"))
        if isinstance(raw, Signal) and raw.device_id not in known.devices:
            found.append(("device_id", "unknown_device", "设备未登记"))
        return [] if found and known.emergency(raw) else found
