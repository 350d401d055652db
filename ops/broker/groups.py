"""Consumer groups: who is a member, which generation, who was given what (classic protocol).

A group is Empty, PreparingRebalance (waits until all members have joined again),
CompletingRebalance (waits for the leader's assignment) or Stable. Stable groups are kept on disk,
so members go on without a rebalance when the broker was restarted.
"""

import asyncio
import uuid
from pathlib import Path

from .codes import Code, Refused
from .group import (
    COMPLETING,
    EMPTY,
    PREPARING,
    STABLE,
    Group,
    Joined,
    Member,
    Protocols,
    dumped,
    restored,
)
from .journal import Journal

FIRST_JOIN_SECONDS = 0.3  # the first member waits so long for others, to spare a rebalance
REAP_SECONDS = 0.2
SESSION_MS = (100, 30 * 60 * 1000)


class Groups:
    """All groups of the broker. Methods raise Refused with the code to answer."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self.by_id: dict[str, Group] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Takes up what was stable before a restart and begins to watch sessions."""
        now = asyncio.get_running_loop().time()
        for (name,), row in self._journal.rows.items():
            self.by_id[str(name)] = restored(str(name), row, now)
        self._task = asyncio.create_task(self._watch())

    # -- what members ask for

    async def join(
        self,
        group_id: str,
        member_id: str,
        client_id: str,
        session_ms: int,
        rebalance_ms: int,
        protocol_type: str,
        protocols: Protocols,
        needs_id: bool,
    ) -> Joined:
        """Waits for the rebalance, then tells generation, protocol, leader and, to it, members.

        With `needs_id` a newcomer first gets an id with MEMBER_ID_REQUIRED: the reason is the id.
        """
        if not group_id:
            raise Refused(Code.INVALID_GROUP_ID)
        if not SESSION_MS[0] <= session_ms <= SESSION_MS[1]:
            raise Refused(Code.INVALID_SESSION_TIMEOUT)
        group = self.by_id.setdefault(group_id, Group(group_id))
        self._agree(group, member_id, protocol_type, protocols)
        now = asyncio.get_running_loop().time()
        member = group.members.get(member_id)
        if member is None:
            member_id = self._admit(group, member_id, client_id, now + session_ms / 1000, needs_id)
            member = Member(member_id, client_id, session_ms, rebalance_ms, protocols, now)
            group.members[member_id] = member
            again = True
        else:
            changed = member.protocols != protocols
            leading = member_id == group.leader and group.state == STABLE
            again = changed or leading or group.state in (EMPTY, PREPARING)
            member.answer(Code.REBALANCE_IN_PROGRESS)
            member.protocols, member.seen = protocols, now
            member.session_ms, member.rebalance_ms = session_ms, rebalance_ms
        group.protocol_type = protocol_type
        if again:
            waiting: asyncio.Future[Code] = asyncio.get_running_loop().create_future()
            member.joining = waiting
            self._rebalance(group)
            self._complete_if_all_joined(group)
            code = await waiting
            if code:
                raise Refused(code)
        leads = group.leader == member_id
        others = [(m.id, m.metadata(group.protocol)) for m in group.members.values()]
        return Joined(
            member_id, group.generation, group.protocol, group.leader, others if leads else []
        )

    def _agree(self, group: Group, member_id: str, kind: str, protocols: Protocols) -> None:
        others = [m for m in group.members.values() if m.id != member_id]
        if not kind or not protocols:
            raise Refused(Code.INCONSISTENT_GROUP_PROTOCOL)
        if others:
            common = set.intersection(*({name for name, _ in m.protocols} for m in others))
            if kind != group.protocol_type or not common & {name for name, _ in protocols}:
                raise Refused(Code.INCONSISTENT_GROUP_PROTOCOL)

    def _admit(
        self, group: Group, member_id: str, client_id: str, until: float, needs_id: bool
    ) -> str:
        """The id of a newcomer, if it may come in."""
        if member_id:
            if group.promised.pop(member_id, None) is None:
                raise Refused(Code.UNKNOWN_MEMBER_ID)
            return member_id
        fresh = f"{client_id or 'member'}-{uuid.uuid4()}"
        if needs_id:
            group.promised[fresh] = until
            raise Refused(Code.MEMBER_ID_REQUIRED, fresh)
        return fresh

    async def sync(
        self, group_id: str, member_id: str, generation: int, assignments: dict[str, bytes]
    ) -> bytes:
        """The member's assignment, once the leader has brought all of them."""
        group, member = self.member(group_id, member_id, generation)
        if group.state == PREPARING:
            raise Refused(Code.REBALANCE_IN_PROGRESS)
        if group.state == COMPLETING:
            if member_id == group.leader:
                for each in group.members.values():
                    each.assignment = assignments.get(each.id, b"")
                self._keep(group, STABLE)
                for each in group.members.values():
                    each.answer(Code.NONE)
            else:
                if member.syncing is not None and not member.syncing.done():
                    member.syncing.set_result(Code.REBALANCE_IN_PROGRESS)
                member.syncing = asyncio.get_running_loop().create_future()
                code = await member.syncing
                if code:
                    raise Refused(code)
        member.seen = asyncio.get_running_loop().time()
        return member.assignment

    def heartbeat(self, group_id: str, member_id: str, generation: int) -> None:
        group, _ = self.member(group_id, member_id, generation)
        if group.state == PREPARING:
            raise Refused(Code.REBALANCE_IN_PROGRESS)

    def leave(self, group_id: str, member_id: str) -> None:
        group = self.by_id.get(group_id)
        if group is not None and group.promised.pop(member_id, None) is not None:
            return
        if group is None or member_id not in group.members:
            raise Refused(Code.UNKNOWN_MEMBER_ID)
        self._remove(group, member_id)

    def member(self, group_id: str, member_id: str, generation: int) -> tuple[Group, Member]:
        """A member of this generation, noted as alive."""
        group = self.by_id.get(group_id)
        if group is None or member_id not in group.members:
            raise Refused(Code.UNKNOWN_MEMBER_ID)
        member = group.members[member_id]
        member.seen = asyncio.get_running_loop().time()
        if generation != group.generation:
            raise Refused(Code.ILLEGAL_GENERATION)
        return group, member

    def may_commit(self, group_id: str, member_id: str, generation: int) -> None:
        """Raises Refused unless offsets may be committed: by a member, or to an empty group."""
        group = self.by_id.get(group_id)
        if generation < 0:
            if group is not None and group.members:
                raise Refused(Code.UNKNOWN_MEMBER_ID)
            return
        group, _ = self.member(group_id, member_id, generation)
        if group.state == COMPLETING:
            raise Refused(Code.REBALANCE_IN_PROGRESS)

    def delete(self, group_id: str) -> None:
        """Forgets a group without members; a group that is not here is none of our business."""
        group = self.by_id.get(group_id)
        if group is not None and group.members:
            raise Refused(Code.NON_EMPTY_GROUP)
        if group is not None:
            self._journal.put([((group_id,), None)])
            del self.by_id[group_id]

    # -- rebalancing

    def _rebalance(self, group: Group) -> None:
        """Begins a rebalance unless one is under way."""
        if group.state == PREPARING:
            return
        loop = asyncio.get_running_loop()
        if group.state == EMPTY:
            group.not_before = loop.time() + FIRST_JOIN_SECONDS
            loop.call_at(group.not_before + 0.001, self._complete_if_all_joined, group)
        group.state = PREPARING
        wait_ms = max((m.rebalance_ms for m in group.members.values()), default=0)
        group.deadline = loop.time() + wait_ms / 1000
        for member in group.members.values():
            if member.syncing is not None:
                member.answer(Code.REBALANCE_IN_PROGRESS)

    def _complete_if_all_joined(self, group: Group) -> None:
        now = asyncio.get_running_loop().time()
        if group.state != PREPARING or (group.members and now < group.not_before):
            return
        missing = [m.id for m in group.members.values() if m.joining is None]
        if missing and now < group.deadline:
            return
        for member_id in missing:
            del group.members[member_id]
        group.generation += 1
        if not group.members:
            self._keep(group, EMPTY)
            return
        if group.leader not in group.members:
            group.leader = next(iter(group.members))
        common = set.intersection(
            *({name for name, _ in m.protocols} for m in group.members.values())
        )
        group.protocol = next(
            name for name, _ in group.members[group.leader].protocols if name in common
        )
        group.state = COMPLETING
        group.deadline = now + max(m.rebalance_ms for m in group.members.values()) / 1000
        for member in group.members.values():
            member.assignment, member.seen = b"", now
            member.answer(Code.NONE)

    def _remove(self, group: Group, member_id: str) -> None:
        group.members.pop(member_id).answer(Code.UNKNOWN_MEMBER_ID)
        if group.state in (STABLE, COMPLETING):
            self._rebalance(group)
        self._complete_if_all_joined(group)

    async def _watch(self) -> None:
        """Evicts members that have gone silent, and ends rebalances that wait in vain."""
        while True:
            await asyncio.sleep(REAP_SECONDS)
            now = asyncio.get_running_loop().time()
            for group in list(self.by_id.values()):
                for member_id in [i for i, until in group.promised.items() if until < now]:
                    del group.promised[member_id]
                for member in list(group.members.values()):
                    late = group.state == COMPLETING and now > group.deadline
                    silent = now - member.seen > member.session_ms / 1000
                    if member.joining is None and member.syncing is None and (silent or late):
                        self._remove(group, member.id)
                self._complete_if_all_joined(group)

    def _keep(self, group: Group, state: str) -> None:
        """Makes a settled state durable, then takes it up."""
        try:
            self._journal.put([((group.id,), dumped(group))])
        except Refused:
            pass  # a full disk must not stop rebalances; after a restart the members join anew
        group.state = state

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        for group in self.by_id.values():
            for member in group.members.values():
                member.answer(Code.COORDINATOR_NOT_AVAILABLE)
        self._journal.close()
