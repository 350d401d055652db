"""What every row of a profile's files is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Bars = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda v: tuple(filter(None, v.split("|"))) if isinstance(v, str) else v),
]
Blank = BeforeValidator(lambda v: None if v == "" else v)
Grade = Annotated[int, Field(ge=1, le=4)]


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
