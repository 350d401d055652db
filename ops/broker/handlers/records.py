"""Produce, fetch, offsets by time, delete records."""

import asyncio
from typing import Any

from ..batch import HEADER_SIZE, header_at
from ..codes import Code, Refused
from ..log import PartitionLog
from ..state import Broker, Call

EARLIEST, LATEST = -2, -1
MOST_FETCH_BYTES = 64 << 20
MOST_WAIT_SECONDS = 300


async def produce(broker: Broker, call: Call) -> Any:
    """Appends each partition's batch. Answers nothing when the producer asked for no answer."""
    q, topic_of = call.request, call.answer.TopicProduceResponse
    row_of = topic_of.PartitionProduceResponse
    topics = []
    for topic in q.topic_data:
        rows = []
        for part in topic.partition_data:
            offset, start, code, reason = -1, -1, 0, None
            try:
                log = broker.catalog.log(topic.name, part.index)
                offset, start = _append(broker, q, log, topic.name, part), log.start
            except Refused as error:
                code, reason = broker.refuse(error.code), error.reason
            rows.append(
                row_of(
                    index=part.index,
                    error_code=code,
                    base_offset=offset,
                    log_append_time_ms=-1,
                    log_start_offset=start,
                    record_errors=[],
                    error_message=reason,
                )
            )
        topics.append(topic_of(name=topic.name, partition_responses=rows))
    return None if q.acks == 0 else call.answer(responses=topics)


def _append(broker: Broker, q: Any, log: PartitionLog, topic: str, part: Any) -> int:
    if q.acks not in (-1, 0, 1):
        raise Refused(Code.INVALID_REQUIRED_ACKS)
    data: bytes | None = part.records
    if data and len(data) >= HEADER_SIZE:
        header = header_at(data)
        if header.transactional:
            broker.transactions.check_write(
                q.transactional_id, header.producer_id, header.producer_epoch, (topic, part.index)
            )
    return log.append(data).offset


async def fetch(broker: Broker, call: Call) -> Any:
    """Answers when there are `min_bytes`, something is refused, or `max_wait_ms` have passed."""
    q, loop = call.request, asyncio.get_running_loop()
    until = loop.time() + min(max(q.max_wait_ms, 0) / 1000, MOST_WAIT_SECONDS)
    if q.session_id and q.session_epoch > 0:
        # We keep no fetch sessions; a client that believes in one must ask in full.
        return call.answer(error_code=70, session_id=0, responses=[])
    while True:
        topics, total, final, logs = _gather(broker, call)
        left = until - loop.time()
        if final or total >= q.min_bytes or left <= 0 or not logs:
            return call.answer(error_code=0, session_id=0, responses=topics)
        more: asyncio.Future[None] = loop.create_future()
        for log in logs:
            log.waiting.add(more)
        try:
            await asyncio.wait_for(more, left)
        except TimeoutError:
            pass
        finally:
            for log in logs:
                log.waiting.discard(more)


def _gather(broker: Broker, call: Call) -> tuple[list[Any], int, bool, list[PartitionLog]]:
    """The response's topics, their bytes, whether waiting is pointless, and the logs to watch."""
    q, topic_of = call.request, call.answer.FetchableTopicResponse
    row_of, committed = topic_of.PartitionData, q.isolation_level == 1
    budget = min(q.max_bytes, MOST_FETCH_BYTES)
    topics, logs, total, final = [], [], 0, False
    for topic in q.topics:
        rows = []
        for part in topic.partitions:
            code, data, end, stable, start, aborted = 0, b"", -1, -1, -1, None
            try:
                log = broker.catalog.log(topic.topic, part.partition)
                logs.append(log)
                end, stable, start = log.end, log.stable, log.start
                room = min(part.partition_max_bytes, budget - total)
                if room > 0 or not total:
                    data = log.read(part.fetch_offset, max(room, 0), committed)
                if committed:
                    aborted = [
                        row_of.AbortedTransaction(producer_id=pid, first_offset=first)
                        for pid, first in log.aborted(part.fetch_offset)
                    ]
            except Refused as error:
                code, final = broker.refuse(error.code), True
            except OSError:
                code, final = broker.refuse(Code.KAFKA_STORAGE_ERROR), True
            total += len(data)
            rows.append(
                row_of(
                    partition_index=part.partition,
                    error_code=code,
                    high_watermark=end,
                    last_stable_offset=stable,
                    log_start_offset=start,
                    aborted_transactions=aborted,
                    preferred_read_replica=-1,
                    records=data,
                )
            )
        topics.append(topic_of(topic=topic.topic, partitions=rows))
    return topics, total, final, logs


async def list_offsets(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.ListOffsetsTopicResponse
    topics = []
    for topic in q.topics:
        rows = []
        for part in topic.partitions:
            code, offset, stamp = 0, -1, -1
            try:
                log = broker.catalog.log(topic.name, part.partition_index)
                if part.timestamp == LATEST:
                    offset = log.stable if q.isolation_level == 1 else log.end
                elif part.timestamp == EARLIEST:
                    offset = log.start
                else:
                    offset, stamp = log.since(part.timestamp) or (-1, -1)
            except Refused as error:
                code = broker.refuse(error.code)
            rows.append(
                topic_of.ListOffsetsPartitionResponse(
                    partition_index=part.partition_index,
                    error_code=code,
                    old_style_offsets=[],
                    timestamp=stamp,
                    offset=offset,
                    leader_epoch=-1,
                )
            )
        topics.append(topic_of(name=topic.name, partitions=rows))
    return call.answer(topics=topics)


async def delete_records(broker: Broker, call: Call) -> Any:
    topic_of = call.answer.DeleteRecordsTopicResult
    topics = []
    for topic in call.request.topics:
        rows = []
        for part in topic.partitions:
            code, low = 0, -1
            try:
                log = broker.catalog.log(topic.name, part.partition_index)
                gone = log.delete_before(log.end if part.offset == -1 else part.offset)
                await broker.housekeeping.remove(gone)
                low = log.start
            except Refused as error:
                code = broker.refuse(error.code)
            rows.append(
                topic_of.DeleteRecordsPartitionResult(
                    partition_index=part.partition_index, low_watermark=low, error_code=code
                )
            )
        topics.append(topic_of(name=topic.name, partitions=rows))
    return call.answer(topics=topics)
