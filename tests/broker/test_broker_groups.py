"""Consumer groups: who gets which partition, through joins, leaves and deaths; their offsets."""

import concurrent.futures
import contextlib
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.protocol.admin import DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer import (
    HeartbeatRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
    SyncGroupRequest,
)
from kafka.protocol.metadata import FindCoordinatorRequest

STALE_GENERATION, INCONSISTENT, UNKNOWN_MEMBER, REBALANCING = 22, 23, 25, 27
NON_EMPTY, NO_GROUP, NEEDS_ID = 68, 69, 79


class Member:
    """A group member by hand: joins, brings assignments as leader, and does nothing unasked."""

    def __init__(self, link: Any, group: str, session_ms: int = 30_000) -> None:
        self.link, self.group, self.session_ms = link, group, session_ms
        self.id, self.generation, self.leads = "", -1, False
        self.others: list[str] = []

    def join(self, protocol: str = "range") -> int:
        row = JoinGroupRequest.JoinGroupRequestProtocol(name=protocol, metadata=b"m")
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=self.session_ms,
            rebalance_timeout_ms=30_000,
            member_id=self.id,
            protocol_type="consumer",
            protocols=[row],
        )
        answer = self.link.ask(request, 4)
        self.id = answer.member_id
        if answer.error_code == NEEDS_ID:
            return self.join(protocol)
        self.generation, self.leads = answer.generation_id, answer.leader == self.id
        self.others = [member.member_id for member in answer.members]
        return int(answer.error_code)

    def sync(self) -> tuple[int, bytes]:
        """As leader gives everyone its own id; what this one was given."""
        row_of = SyncGroupRequest.SyncGroupRequestAssignment
        rows = [row_of(member_id=m, assignment=m.encode()) for m in self.others if self.leads]
        request = SyncGroupRequest(
            group_id=self.group,
            generation_id=self.generation,
            member_id=self.id,
            assignments=rows,
        )
        answer = self.link.ask(request, 2)
        return int(answer.error_code), bytes(answer.assignment)

    def heartbeat(self) -> int:
        request = HeartbeatRequest(
            group_id=self.group, generation_id=self.generation, member_id=self.id
        )
        return int(self.link.ask(request, 2).error_code)

    def commit(self, topic: str, offset: int, generation: int | None = None) -> int:
        topic_of = OffsetCommitRequest.OffsetCommitRequestTopic
        part = topic_of.OffsetCommitRequestPartition(
            partition_index=0, committed_offset=offset, committed_leader_epoch=-1
        )
        request = OffsetCommitRequest(
            group_id=self.group,
            generation_id_or_member_epoch=self.generation if generation is None else generation,
            member_id=self.id,
            topics=[topic_of(name=topic, partitions=[part])],
        )
        return int(self.link.ask(request, 6).topics[0].partitions[0].error_code)

    def leave(self) -> int:
        request = LeaveGroupRequest(group_id=self.group, member_id=self.id)
        return int(self.link.ask(request, 2).error_code)


@pytest.fixture
def members(broker: Any, wire: Any, topic: Any, until: Any) -> Any:
    """Makes members of one fresh group."""
    group, link = topic(), wire(broker.address)

    def ready() -> bool:
        # Apache Kafka makes its topic of offsets when a coordinator is asked for the first time.
        found = link.ask(FindCoordinatorRequest(key=group, key_type=0), 2)
        described = link.ask(DescribeGroupsRequest(groups=[group]), 3).groups
        return found.error_code == 0 == described[0].error_code

    until(ready, "the coordinator")

    def make(**given: Any) -> Member:
        return Member(wire(broker.address), group, **given)

    return make


def together(*calls: Any) -> list[Any]:
    """Runs calls at once, as members of a group do; their results in order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as threads:
        return [future.result(30) for future in [threads.submit(call) for call in calls]]


def test_one_leads_and_everybody_gets_what_the_leader_says(members: Any) -> None:
    a, b, c = members(), members(), members()
    assert together(a.join, b.join, c.join) == [0, 0, 0]
    assert len({a.generation, b.generation, c.generation}) == 1
    (leader,) = [m for m in (a, b, c) if m.leads]
    assert set(leader.others) == {a.id, b.id, c.id}
    answers = together(a.sync, b.sync, c.sync)
    assert answers == [(0, m.id.encode()) for m in (a, b, c)]
    assert [m.heartbeat() for m in (a, b, c)] == [0, 0, 0]


def test_a_member_that_joins_in_mid_rebalance_is_taken_in(
    broker: Any, wire: Any, members: Any, until: Any
) -> None:
    a, b, c = members(), members(), members()
    assert a.join() == 0
    assert a.sync() == (0, a.id.encode())
    link = wire(broker.address)

    def size() -> int:
        (row,) = link.ask(DescribeGroupsRequest(groups=[a.group]), 3).groups
        return len(row.members)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        late = [threads.submit(b.join)]
        until(lambda: a.heartbeat() == REBALANCING, "a rebalance")
        assert a.sync()[0] == REBALANCING
        late.append(threads.submit(c.join))
        until(lambda: size() == 3, "both newcomers waiting")
        assert a.join() == 0
        assert [done.result(30) for done in late] == [0, 0]
    assert a.generation == b.generation == c.generation > 1
    assert together(a.sync, b.sync, c.sync) == [(0, m.id.encode()) for m in (a, b, c)]


def test_the_next_leads_when_the_leader_leaves(members: Any) -> None:
    a, b = members(), members()
    together(a.join, b.join)
    together(a.sync, b.sync)
    leader, other = (a, b) if a.leads else (b, a)
    assert leader.leave() == 0
    assert other.heartbeat() == REBALANCING
    assert other.join() == 0
    assert other.leads
    assert other.others == [other.id]
    assert other.sync() == (0, other.id.encode())
    assert leader.heartbeat() == UNKNOWN_MEMBER


def test_a_silent_member_is_put_out_and_the_rest_goes_on(members: Any) -> None:
    silent, alive = members(session_ms=1000), members()
    together(silent.join, alive.join)
    together(silent.sync, alive.sync)
    while alive.heartbeat() == 0:
        time.sleep(0.05)
    assert alive.join() == 0
    assert alive.others == [alive.id]
    assert alive.sync() == (0, alive.id.encode())
    assert silent.heartbeat() == UNKNOWN_MEMBER
    assert silent.commit("any", 1) in (3, UNKNOWN_MEMBER)


def test_a_heartbeat_keeps_a_member_in(members: Any) -> None:
    member = members(session_ms=1000)
    assert member.join() == 0
    member.sync()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert member.heartbeat() == 0
        time.sleep(0.2)


def test_members_without_a_common_way_to_share_are_refused(members: Any) -> None:
    a, b = members(), members()
    assert a.join("range") == 0
    a.sync()
    assert b.join("roundrobin") == INCONSISTENT


def test_only_the_present_generation_commits(members: Any, topic: Any) -> None:
    name = topic()
    member = members()
    member.join()
    member.sync()
    assert member.commit(name, 5) == 0
    assert member.commit(name, 6, generation=member.generation - 1) == STALE_GENERATION
    stranger = members()
    stranger.id, stranger.generation = "nobody", member.generation
    assert stranger.commit(name, 7) == UNKNOWN_MEMBER
    assert stranger.commit(name, 7, generation=-1) == UNKNOWN_MEMBER


def test_groups_are_listed_described_and_deleted_once_empty(
    broker: Any, wire: Any, members: Any, topic: Any
) -> None:
    name, member, link = topic(), members(), wire(broker.address)

    def state() -> str:
        (row,) = link.ask(DescribeGroupsRequest(groups=[member.group]), 3).groups
        return str(row.group_state)

    def delete() -> int:
        (row,) = link.ask(DeleteGroupsRequest(groups_names=[member.group]), 1).results
        return int(row.error_code)

    assert state() == "Dead"
    assert delete() == NO_GROUP
    member.join()
    member.sync()
    member.commit(name, 3)
    assert state() == "Stable"
    (row,) = link.ask(DescribeGroupsRequest(groups=[member.group]), 3).groups
    assert [m.member_id for m in row.members] == [member.id]
    assert row.members[0].member_assignment == member.id.encode()
    listed = link.ask(ListGroupsRequest(), 2).groups
    assert (member.group, "consumer") in [(g.group_id, g.protocol_type) for g in listed]
    assert delete() == NON_EMPTY
    member.leave()
    assert state() == "Empty"
    assert delete() == 0
    assert state() == "Dead"
    topic_of = OffsetFetchRequest.OffsetFetchRequestTopic
    request = OffsetFetchRequest(
        group_id=member.group, topics=[topic_of(name=name, partition_indexes=[0])]
    )
    assert link.ask(request, 5).topics[0].partitions[0].committed_offset == -1


# -- the same with whole clients

CLIENT = """
import sys, confluent_kafka
address, topic, group, session = sys.argv[1:]
consumer = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": group,
    "session.timeout.ms": int(session), "heartbeat.interval.ms": int(session) // 4,
    "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
told = None
while True:
    consumer.poll(0.1)
    now = len(consumer.assignment())
    if now != told:
        told = now
        print(now, flush=True)
"""


@contextlib.contextmanager
def client(address: str, topic: str, group: str, session_ms: int) -> Any:
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, address, topic, group, str(session_ms)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def owns(process: Any, wanted: int) -> None:
    """Waits until the client has so many partitions."""
    for line in process.stdout:
        if int(line) == wanted:
            return
    raise AssertionError("the client ended")


def test_partitions_move_when_clients_come_and_are_killed(broker: Any, topic: Any) -> None:
    name = topic(partitions=6)
    with client(broker.address, name, name, 2000) as a:
        owns(a, 6)
        with client(broker.address, name, name, 2000) as b:
            owns(b, 3)
            owns(a, 3)
            b.send_signal(signal.SIGKILL)
            owns(a, 6)


def test_a_group_goes_on_where_it_stopped(broker: Any, topic: Any) -> None:
    name = topic(partitions=3)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(300):
            producer.send(name, b"%d" % n, partition=n % 3)
        producer.flush(10)
    got: list[bytes] = []
    for _ in range(3):
        with contextlib.closing(
            KafkaConsumer(
                name,
                bootstrap_servers=broker.address,
                group_id=name,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                max_poll_records=30,
            )
        ) as consumer:
            part: list[bytes] = []
            while len(part) < 100:
                for records in consumer.poll(1000, max_records=min(30, 100 - len(part))).values():
                    part += [record.value for record in records]
            consumer.commit()
            got += part
    assert sorted(got, key=int) == [b"%d" % n for n in range(300)]
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, group_id=name)
    ) as consumer:
        done = [consumer.committed(TopicPartition(name, n)) for n in range(3)]
    assert sum(done) == 300


def test_different_clients_share_one_group(broker: Any, topic: Any, until: Any) -> None:
    name = topic(partitions=4)
    with (
        client(broker.address, name, name, 6000) as other,
        contextlib.closing(
            KafkaConsumer(name, bootstrap_servers=broker.address, group_id=name)
        ) as consumer,
    ):
        until(lambda: consumer.poll(2000) or len(consumer.assignment()) == 2, "half of them")
        owns(other, 2)
