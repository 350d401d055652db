"""Consumer groups and their offsets."""

from typing import Any

from ..codes import Code, Refused
from ..group import DEAD, EMPTY, Group
from ..offsets import Committed
from ..state import NODE, Broker, Call


async def find_coordinator(broker: Broker, call: Call) -> Any:
    return call.answer(
        error_code=0, error_message=None, node_id=NODE, host=broker.host, port=broker.port
    )


async def join_group(broker: Broker, call: Call) -> Any:
    q = call.request
    try:
        joined = await broker.groups.join(
            q.group_id,
            q.member_id,
            call.client_id,
            q.session_timeout_ms,
            q.rebalance_timeout_ms if call.version >= 1 else q.session_timeout_ms,
            q.protocol_type,
            [(protocol.name, bytes(protocol.metadata)) for protocol in q.protocols],
            needs_id=call.version >= 4,
        )
    except Refused as error:
        needs_id = error.code is Code.MEMBER_ID_REQUIRED
        return call.answer(
            error_code=int(error.code) if needs_id else broker.refuse(error.code),
            generation_id=-1,
            protocol_name="",
            leader="",
            member_id=error.reason if needs_id else q.member_id,
            members=[],
        )
    row_of = call.answer.JoinGroupResponseMember
    return call.answer(
        error_code=0,
        generation_id=joined.generation,
        protocol_name=joined.protocol,
        leader=joined.leader,
        member_id=joined.member_id,
        members=[row_of(member_id=m, metadata=data) for m, data in joined.members],
    )


async def sync_group(broker: Broker, call: Call) -> Any:
    q = call.request
    given = {each.member_id: bytes(each.assignment) for each in q.assignments}
    try:
        assignment = await broker.groups.sync(q.group_id, q.member_id, q.generation_id, given)
    except Refused as error:
        return call.answer(error_code=broker.refuse(error.code), assignment=b"")
    return call.answer(error_code=0, assignment=assignment)


async def heartbeat(broker: Broker, call: Call) -> Any:
    q = call.request
    try:
        broker.groups.heartbeat(q.group_id, q.member_id, q.generation_id)
    except Refused as error:
        return call.answer(error_code=broker.refuse(error.code))
    return call.answer(error_code=0)


async def leave_group(broker: Broker, call: Call) -> Any:
    q = call.request
    leaving = [q.member_id] if call.version < 3 else [m.member_id for m in q.members]
    rows, codes = [], [0]
    for member_id in leaving:
        code = 0
        try:
            broker.groups.leave(q.group_id, member_id)
        except Refused as error:
            code = broker.refuse(error.code)
        codes.append(code)
        rows.append(
            call.answer.MemberResponse(member_id=member_id, group_instance_id=None, error_code=code)
        )
    return call.answer(error_code=codes[-1] if call.version < 3 else 0, members=rows)


async def list_groups(broker: Broker, call: Call) -> Any:
    known = dict(broker.groups.by_id)
    for name in broker.offsets.groups():
        known.setdefault(name, Group(name))
    wanted = call.request.states_filter if call.version >= 4 else []
    return call.answer(
        error_code=0,
        groups=[
            call.answer.ListedGroup(
                group_id=name, protocol_type=group.protocol_type, group_state=group.state
            )
            for name, group in known.items()
            if not wanted or group.state in wanted
        ],
    )


async def describe_groups(broker: Broker, call: Call) -> Any:
    row_of, rows = call.answer.DescribedGroup, []
    for name in call.request.groups:
        state = EMPTY if broker.offsets.of(name) else DEAD
        group = broker.groups.by_id.get(name) or Group(name, state=state)
        rows.append(
            row_of(
                error_code=0,
                group_id=name,
                group_state=group.state,
                protocol_type=group.protocol_type,
                protocol_data=group.protocol,
                members=[
                    row_of.DescribedGroupMember(
                        member_id=member.id,
                        group_instance_id=None,
                        client_id=member.client_id,
                        client_host=broker.host,
                        member_metadata=member.metadata(group.protocol),
                        member_assignment=member.assignment,
                    )
                    for member in group.members.values()
                ],
            )
        )
    return call.answer(groups=rows)


async def delete_groups(broker: Broker, call: Call) -> Any:
    rows = []
    for name in call.request.groups_names:
        code = 0
        try:
            if name not in broker.groups.by_id and not broker.offsets.of(name):
                raise Refused(Code.GROUP_ID_NOT_FOUND)
            broker.groups.delete(name)
            broker.offsets.drop_group(name)
        except Refused as error:
            code = broker.refuse(error.code)
        rows.append(call.answer.DeletableGroupResult(group_id=name, error_code=code))
    return call.answer(results=rows)


async def commit_offsets(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.OffsetCommitResponseTopic
    codes: dict[tuple[str, int], int] = {}
    rows: list[tuple[str, int, Committed | None]] = []
    refused = 0
    for topic in q.topics:
        for part in topic.partitions:
            at = (topic.name, part.partition_index)
            try:
                broker.catalog.log(*at)
            except Refused as error:
                codes[at] = broker.refuse(error.code)
                continue
            rows.append((*at, Committed(part.committed_offset, part.committed_metadata or "")))
    try:
        broker.groups.may_commit(q.group_id, q.member_id, q.generation_id_or_member_epoch)
        broker.offsets.commit(q.group_id, rows)
    except Refused as error:
        refused = broker.refuse(_commit_code(error))
    part_of = topic_of.OffsetCommitResponsePartition
    topics = [
        topic_of(
            name=topic.name,
            partitions=[
                part_of(
                    partition_index=part.partition_index,
                    error_code=refused or codes.get((topic.name, part.partition_index), 0),
                )
                for part in topic.partitions
            ],
        )
        for topic in q.topics
    ]
    return call.answer(topics=topics)


def _commit_code(error: Refused) -> Code:
    # Clients try a commit again on this code, and give up on KAFKA_STORAGE_ERROR.
    full = error.code is Code.KAFKA_STORAGE_ERROR
    return Code.COORDINATOR_NOT_AVAILABLE if full else error.code


async def fetch_offsets(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.OffsetFetchResponseTopic
    known = broker.offsets.of(q.group_id)
    wanted: dict[str, list[int]] = {}
    if q.topics is None:
        for name, partition in sorted(known):
            wanted.setdefault(name, []).append(partition)
    else:
        for topic in q.topics:
            wanted.setdefault(topic.name, []).extend(topic.partition_indexes)
    part_of, none = topic_of.OffsetFetchResponsePartition, Committed(-1, "")
    topics = [
        topic_of(
            name=name,
            partitions=[
                part_of(
                    partition_index=n,
                    committed_offset=known.get((name, n), none).offset,
                    committed_leader_epoch=-1,
                    metadata=known.get((name, n), none).metadata,
                    error_code=0,
                )
                for n in partitions
            ],
        )
        for name, partitions in wanted.items()
    ]
    return call.answer(error_code=0, topics=topics)


async def delete_offsets(broker: Broker, call: Call) -> Any:
    """Forgets single partitions' offsets of a group that has no members."""
    q, topic_of = call.request, call.answer.OffsetDeleteResponseTopic
    group, code = broker.groups.by_id.get(q.group_id), Code.NONE
    if group is None and not broker.offsets.of(q.group_id):
        code = Code.GROUP_ID_NOT_FOUND
    elif group is not None and group.members:
        code = Code.NON_EMPTY_GROUP
    topics = []
    for topic in q.topics:
        numbers = [part.partition_index for part in topic.partitions]
        if not code:
            broker.offsets.commit(q.group_id, [(topic.name, n, None) for n in numbers])
        rows = [topic_of.OffsetDeleteResponsePartition(partition_index=n) for n in numbers]
        for row in rows:
            row.error_code = 0
        topics.append(topic_of(name=topic.name, partitions=rows))
    return call.answer(error_code=int(code), topics=topics)
