"""The rules of the profile, made when first asked for, and kept."""

from __future__ import annotations

import asyncio

from fastapi import Request

from schemas.profile import Profile
from streams.core.rules import Rules
from streams.core.workdays import load_workdays


async def rules_of(request: Request) -> Rules:
    state = request.app.state
    if not hasattr(state, "rules"):
        state.rules = await asyncio.to_thread(_made, state.profile)
    made: Rules = state.rules
    return made


def _made(profile: Profile) -> Rules:
    rules = Rules(profile, load_workdays(profile))
    _ = rules.router  # takes a moment: now, and not on the loop
    return rules
