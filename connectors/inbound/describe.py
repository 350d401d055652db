"""What integrators ask first: which channels, which formats, which fields, how much at once."""

from __future__ import annotations

from typing import Any

from connectors.inbound.formats import formats_for
from connectors.inbound.limits import Limits
from schemas.raw import RAW_MODELS, TOPIC_OF, Raw, TextReport


def describe(limits: Limits) -> dict[str, Any]:
    """Channels with their formats and JSON Schemas, for integrators."""
    return {
        "channels": [
            {
                "channel": channel,
                "topic": topic,
                "formats": [
                    {"name": row.name, "media_type": row.media_type, "title": row.title}
                    for row in formats_for(channel)
                ],
                "schema": _sender_schema(RAW_MODELS[topic]),
            }
            for channel, topic in TOPIC_OF.items()
        ],
        "limits": {
            "body_bytes": limits.body_bytes,
            "inflated_bytes": limits.inflated_bytes,
            "events": limits.events,
            "events_per_second": limits.per_second,
        },
    }


def _sender_schema(model: type[Raw]) -> dict[str, Any]:
    """What a sender writes: without the fields the intake fills in, with contacts it may give."""
    schema = model.model_json_schema()
    for name in ("source", "channel"):
        schema["properties"].pop(name)
    schema["required"] = [name for name in schema["required"] if name in schema["properties"]]
    if issubclass(model, TextReport):
        schema["properties"]["reporter"] = {
            "description": "账号,或联系电话:在接入处换成代号,电话加密另存",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"phone": {"type": "string"}, "account": {"type": "string"}},
                },
            ],
        }
    return schema
