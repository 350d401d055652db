"""Producer ids and transactions."""

from typing import Any

from ..codes import Code, Refused
from ..state import Broker, Call


async def init_producer_id(broker: Broker, call: Call) -> Any:
    q = call.request
    try:
        producer_id, epoch = broker.transactions.producer(
            q.transactional_id, q.transaction_timeout_ms
        )
    except Refused as error:
        code = error.code
        if code is Code.KAFKA_STORAGE_ERROR:
            code = Code.COORDINATOR_NOT_AVAILABLE
        return call.answer(error_code=broker.refuse(code), producer_id=-1, producer_epoch=-1)
    return call.answer(error_code=0, producer_id=producer_id, producer_epoch=epoch)


async def add_partitions(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.AddPartitionsToTxnTopicResult
    wanted = [(topic.name, n) for topic in q.v3_and_below_topics for n in topic.partitions]
    code = 0
    try:
        broker.transactions.add_partitions(
            q.v3_and_below_transactional_id,
            q.v3_and_below_producer_id,
            q.v3_and_below_producer_epoch,
            wanted,
        )
    except Refused as error:
        code = broker.refuse(error.code)
    row_of = topic_of.AddPartitionsToTxnPartitionResult
    topics = [
        topic_of(
            name=topic.name,
            results_by_partition=[
                row_of(partition_index=n, partition_error_code=code) for n in topic.partitions
            ],
        )
        for topic in q.v3_and_below_topics
    ]
    return call.answer(results_by_topic_v3_and_below=topics)


async def add_group(broker: Broker, call: Call) -> Any:
    q = call.request
    try:
        broker.transactions.add_group(q.transactional_id, q.producer_id, q.producer_epoch)
    except Refused as error:
        return call.answer(error_code=broker.refuse(error.code))
    return call.answer(error_code=0)


async def commit_offsets(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.TxnOffsetCommitResponseTopic
    rows = [
        (
            q.group_id,
            topic.name,
            part.partition_index,
            part.committed_offset,
            part.committed_metadata or "",
        )
        for topic in q.topics
        for part in topic.partitions
    ]
    code = 0
    try:
        broker.transactions.add_offsets(q.transactional_id, q.producer_id, q.producer_epoch, rows)
    except Refused as error:
        code = broker.refuse(error.code)
    row_of = topic_of.TxnOffsetCommitResponsePartition
    topics = [
        topic_of(
            name=topic.name,
            partitions=[
                row_of(partition_index=part.partition_index, error_code=code)
                for part in topic.partitions
            ],
        )
        for topic in q.topics
    ]
    return call.answer(topics=topics)


async def end(broker: Broker, call: Call) -> Any:
    q = call.request
    try:
        broker.transactions.end(q.transactional_id, q.producer_id, q.producer_epoch, q.committed)
    except Refused as error:
        return call.answer(error_code=broker.refuse(error.code))
    return call.answer(error_code=0)
