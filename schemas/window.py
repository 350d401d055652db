"""A repair or test window begun by a command, as ``maintenance.tsv`` has them by file."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Window(BaseModel):
    """``who`` is a unit, ``by`` the work account. Devices, buildings and grids of one village; the
    same ``window_id`` again gives it another end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_id: str = Field(min_length=1, max_length=64)
    scope: Literal["device", "building", "grid", "area", "kind", "channel"]
    target: str = Field(min_length=1, max_length=64)
    area: str = Field(default="", pattern=r"^\d{0,15}$")  # kind, channel: within it; "" = anywhere
    events: tuple[str, ...] = ()
    start: AwareDatetime
    end: AwareDatetime
    who: str = ""
    by: str = ""
    reason: str = Field(min_length=1, max_length=500)


def window_number(village: str) -> str:
    """What stands for the case number in the command of a window: its village is its key."""
    return f"00000000-{village}-WINDOW"
