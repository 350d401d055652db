"""One consumer group and its members: what they are, and how they are kept on disk."""

import asyncio
import base64
from dataclasses import dataclass, field
from typing import Any

from .codes import Code

EMPTY, PREPARING, COMPLETING, STABLE, DEAD = (
    "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead",
)  # fmt: skip

Protocols = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Joined:
    member_id: str
    generation: int
    protocol: str
    leader: str
    members: list[tuple[str, bytes]]


@dataclass
class Member:
    id: str
    client_id: str
    session_ms: int
    rebalance_ms: int
    protocols: Protocols
    seen: float
    assignment: bytes = b""
    joining: asyncio.Future[Code] | None = None
    syncing: asyncio.Future[Code] | None = None

    def metadata(self, protocol: str) -> bytes:
        return dict(self.protocols).get(protocol, b"")

    def answer(self, code: Code) -> None:
        """Lets the member's waiting request go on."""
        for waiting in (self.joining, self.syncing):
            if waiting is not None and not waiting.done():
                waiting.set_result(code)
        self.joining = self.syncing = None


@dataclass
class Group:
    id: str
    protocol_type: str = ""
    protocol: str = ""
    leader: str = ""
    generation: int = 0
    state: str = EMPTY
    members: dict[str, Member] = field(default_factory=dict)
    promised: dict[str, float] = field(default_factory=dict)
    not_before: float = 0.0
    deadline: float = 0.0


def dumped(group: Group) -> dict[str, Any]:
    """A settled group as the journal keeps it."""
    return {
        "type": group.protocol_type,
        "protocol": group.protocol,
        "leader": group.leader,
        "generation": group.generation,
        "members": [
            {
                "id": m.id,
                "client": m.client_id,
                "session": m.session_ms,
                "rebalance": m.rebalance_ms,
                "protocols": [[n, base64.b64encode(d).decode()] for n, d in m.protocols],
                "assignment": base64.b64encode(m.assignment).decode(),
            }
            for m in group.members.values()
        ],
    }


def restored(group_id: str, row: dict[str, Any], now: float) -> Group:
    """The group as it was; its members have a session from `now` to be heard of."""
    group = Group(group_id, row["type"], row["protocol"], row["leader"], row["generation"])
    for each in row["members"]:
        protocols = [(name, base64.b64decode(data)) for name, data in each["protocols"]]
        member = Member(
            each["id"], each["client"], each["session"], each["rebalance"], protocols, now
        )
        member.assignment = base64.b64decode(each["assignment"])
        group.members[member.id] = member
    group.state = STABLE if group.members else EMPTY
    return group
