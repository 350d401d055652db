"""Reading a signal the quick way: msgspec, with the pydantic models of ``schemas.raw`` as contract.

A structure is derived from each model, so there is one model of a thing. It takes less than its
model does: plain types only, no unknown field, no number that is a string. What it takes the model
takes too, with equal values (tests/decide/test_quiet_signals.py tries to find what breaks that);
what it refuses is read again by ``streams.core.reading``, which has the last word and the reasons.
0.5 µs a signal; pydantic 2.7 (2 cores, both with 236 bytes of JSON).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas.raw import Raw, Signal

REFUSED = (msgspec.MsgspecError, TypeError)  # what a reader raises: not for the quick way

_LIMITS = {"ge": "ge", "le": "le", "min_length": "min_length", "max_length": "max_length"}
_STAMP = "occurred_at"  # kept as text: streams.core.stamps reads it


def quick_reader(model: type[Signal]) -> Callable[[bytes], Any]:
    """``read(bytes)`` → a structure with the model's fields; raises one of REFUSED.

    TypeError when the model has a field this cannot promise to read alike.
    """
    fields = [_field(name, field) for name, field in model.model_fields.items()]
    needed, optional = [f for f in fields if len(f) == 2], [f for f in fields if len(f) == 3]
    made = msgspec.defstruct(
        f"Quick{model.__name__}", [*needed, *optional], gc=False, forbid_unknown_fields=True
    )
    return msgspec.json.Decoder(made).decode


def _field(name: str, field: FieldInfo) -> tuple[Any, ...]:
    kind = str | None if name == _STAMP else _kind(name, field)
    if field.default is PydanticUndefined:
        return name, kind
    return name, kind, field.default


def _kind(name: str, field: FieldInfo) -> Any:
    kinds = get_args(field.annotation) or (field.annotation,)
    if get_origin(field.annotation) is Literal:
        return field.annotation
    plain = [kind for kind in kinds if kind is not type(None)]
    limits = _limits(name, field.metadata)
    if len(plain) == 1 and get_origin(plain[0]) is Annotated:  # Annotated[…] | None
        inner = FieldInfo.from_annotation(plain[0])
        limits |= _limits(name, inner.metadata)
        plain = [inner.annotation]
    if len(plain) != 1 or plain[0] not in (str, int, float, bool):
        raise TypeError(f"{name}: no quick way to read {field.annotation}")
    kind = Annotated[plain[0], msgspec.Meta(**limits)] if limits else plain[0]
    return kind | None if type(None) in kinds else kind


def _limits(name: str, metadata: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rule in metadata:
        pattern = getattr(rule, "pattern", None)
        if pattern is not None:  # Python's $ also matches before a last line feed, Rust's does not
            found["pattern"] = pattern.removesuffix("$").replace(r"\d", "[0-9]") + r"\Z"
            continue
        known = {to: value for of, to in _LIMITS.items()
                 if (value := getattr(rule, of, None)) is not None}  # fmt: skip
        if not known:
            raise TypeError(f"{name}: no quick way to hold it to {rule!r}")
        found |= known
    return found


def quick_models(models: dict[str, type[Raw]]) -> dict[str, Callable[[bytes], Any]]:
    """Readers of the topics that carry signals."""
    return {
        topic: quick_reader(model) for topic, model in models.items() if issubclass(model, Signal)
    }
