"""The HTTP intake of this process, with the codes its profile knows."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from connectors.inbound.edge import Edge, KnownCodes
from connectors.inbound.http import intake_router
from connectors.kafka import Sink
from connectors.metrics import metric
from connectors.tokens import TokenBook
from connectors.vault import load_or_create
from schemas.profile import Profile
from schemas.raw import TOPIC_OF, Raw
from streams.core.decide import Decider, Position
from streams.core.reading import Invalid
from streams.learned import learned


def build_intake(profile: Profile, producer: Sink, secrets: Path) -> APIRouter:
    """Routes under ``/api/v1/intake``. Tokens and keys are in ``secrets``.

    A report that names an area, class or device the profile does not know is refused while its
    sender can still mend it, unless it is an emergency: that goes on, to the duty desk.
    """
    decider = Decider(profile, learned(profile))

    def emergency(raw: Raw) -> bool:
        channel = str(getattr(raw, "channel", ""))
        decided = decider.decide(raw, Position(TOPIC_OF[channel], 0, 0, 0, 0))
        return not isinstance(decided, Invalid) and any(event.emergency for event in decided)

    def count(channel: str, outcome: str, events: int) -> None:
        metric("gridwhistle_intake_events_total").labels(channel, outcome).inc(events)

    known = KnownCodes(profile.areas, profile.taxonomy, profile.devices, emergency)
    edge = Edge(load_or_create(secrets / "vault"), known)
    return intake_router(producer, TokenBook(secrets / "sources.toml"), edge, count=count)
