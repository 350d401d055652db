"""Which requests the broker answers: one row a kind, with the versions it speaks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.protocol import admin, consumer, metadata, producer, sasl

from .codes import Code
from .handlers import groups, records, topics, transactions
from .state import Broker, Call

Handler = Callable[[Broker, Call], Awaitable[Any]]


@dataclass(frozen=True)
class Api:
    name: str
    lowest: int
    highest: int
    request: Any
    answer: Any
    handler: Handler
    claimed_from: int | None = None

    @property
    def key(self) -> int:
        return int(self.request.API_KEY)


async def api_versions(broker: Broker, call: Call) -> Any:
    row_of = call.answer.ApiVersion
    rows = [
        row_of(
            api_key=api.key,
            min_version=api.lowest if api.claimed_from is None else api.claimed_from,
            max_version=api.highest,
        )
        for api in APIS.values()
    ]
    return call.answer(error_code=0, api_keys=rows)


async def refuse_sasl(broker: Broker, call: Call) -> Any:
    code = broker.refuse(Code.UNSUPPORTED_SASL_MECHANISM)
    return call.answer(error_code=code, mechanisms=[])


def _row(
    name: str, source: Any, lowest: int, highest: int, handler: Handler, claimed: int | None = None
) -> Api:
    request, answer = getattr(source, name + "Request"), getattr(source, name + "Response")
    return Api(name, lowest, highest, request, answer, handler, claimed)


# librdkafka takes Produce 0 as the sign of a broker that knows compression; Apache Kafka 4 claims
# it for that reason and refuses it, and so do we. Versions stop where static membership, topic ids
# and the newer group protocol would begin.
_ROWS = (
    _row("Produce", producer, 3, 8, records.produce, claimed=0),
    _row("Fetch", consumer, 4, 11, records.fetch),
    _row("ListOffsets", consumer, 1, 5, records.list_offsets),
    _row("Metadata", metadata, 0, 8, topics.metadata),
    _row("OffsetCommit", consumer, 2, 6, groups.commit_offsets),
    _row("OffsetFetch", consumer, 1, 5, groups.fetch_offsets),
    _row("FindCoordinator", metadata, 0, 2, groups.find_coordinator),
    _row("JoinGroup", consumer, 0, 4, groups.join_group),
    _row("Heartbeat", consumer, 0, 2, groups.heartbeat),
    _row("LeaveGroup", consumer, 0, 3, groups.leave_group),
    _row("SyncGroup", consumer, 0, 2, groups.sync_group),
    _row("DescribeGroups", admin, 0, 4, groups.describe_groups),
    _row("ListGroups", admin, 0, 4, groups.list_groups),
    _row("SaslHandshake", sasl, 0, 1, refuse_sasl),
    _row("ApiVersions", metadata, 0, 3, api_versions),
    _row("CreateTopics", admin, 0, 4, topics.create_topics),
    _row("DeleteTopics", admin, 0, 3, topics.delete_topics),
    _row("DeleteRecords", admin, 0, 1, records.delete_records),
    _row("InitProducerId", producer, 0, 2, transactions.init_producer_id),
    _row("AddPartitionsToTxn", producer, 0, 2, transactions.add_partitions),
    _row("AddOffsetsToTxn", producer, 0, 2, transactions.add_group),
    _row("EndTxn", producer, 0, 2, transactions.end),
    _row("TxnOffsetCommit", producer, 0, 2, transactions.commit_offsets),
    _row("DescribeConfigs", admin, 0, 3, topics.describe_configs),
    _row("AlterConfigs", admin, 0, 1, topics.alter_configs),
    _row("CreatePartitions", admin, 0, 2, topics.create_partitions),
    _row("DeleteGroups", admin, 0, 1, groups.delete_groups),
    _row("IncrementalAlterConfigs", admin, 0, 1, topics.incremental_alter_configs),
    _row("OffsetDelete", consumer, 0, 0, groups.delete_offsets),
    _row("DescribeCluster", admin, 0, 1, topics.describe_cluster),
)
APIS: Mapping[int, Api] = {api.key: api for api in _ROWS}
