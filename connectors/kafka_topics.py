"""Creates topics from the table ``schemas.topics`` and looks at what the broker has.

Topics are never changed in silence: more partitions would move keys to other workers, and another
cleanup policy can lose data. A difference is an error that says what differs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from schemas.topics import TOPICS, Topic

with warnings.catch_warnings():
    # kafka-python reads its protocol files through a deprecated function of the standard library.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
    from kafka.errors import KafkaError, TopicAlreadyExistsError, UnsupportedVersionError

TIMEOUT_MS = 10_000
CONNECT_MS = 5_000


class TopicMismatch(Exception):
    """Topics exist with other partitions or cleanup policy. The message lists each difference."""


class TopicReport(NamedTuple):
    """What ``create_topics`` did: names in the order of the table."""

    created: tuple[str, ...]
    existing: tuple[str, ...]


class TopicState(NamedTuple):
    """What the broker has. ``ends`` and ``starts`` by partition; ``bytes`` None if not told."""

    name: str
    partitions: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    bytes: int | None
    config: dict[str, str]

    @property
    def records(self) -> int:
        """Upper bound of records kept: compaction and transactions leave gaps."""
        return sum(self.ends) - sum(self.starts)


@contextmanager
def admin(address: KafkaAddress) -> Iterator[KafkaAdminClient]:
    """kafka-python's admin client, closed after use. KafkaUnavailable when nobody answers."""
    try:
        client = KafkaAdminClient(
            client_id="gridwhistle-admin",
            request_timeout_ms=TIMEOUT_MS,
            bootstrap_timeout_ms=CONNECT_MS,
            **address.client(),
        )
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(f"{address.bootstrap}:{error}") from error
    try:
        yield client
    except UnsupportedVersionError:
        raise
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(f"{address.bootstrap}:{error}") from error
    finally:
        client.close()


def create_topics(
    address: KafkaAddress,
    topics: Sequence[Topic] = TOPICS,
    *,
    retention_bytes: int = -1,
    replication: int = 1,
    min_insync: int = 1,
) -> TopicReport:
    """Creates what is missing, leaves what is there. Safe to repeat and to run twice at once.

    ``retention_bytes`` is a partition's; ``min_insync`` replicas must hold a record before it is
    acknowledged. TopicMismatch when a topic exists but differs; then nothing was created.
    """
    with admin(address) as client:
        known = set(client.list_topics())
        present = [topic for topic in topics if topic.name in known]
        _check(client, present)
        missing = [topic for topic in topics if topic.name not in known]
        for topic in missing:
            settings = topic.config(retention_bytes)
            if min_insync > 1:
                settings["min.insync.replicas"] = str(min_insync)
            wanted = {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": replication,
                    "configs": settings,
                }
            }
            try:
                client.create_topics(wanted)
            except TopicAlreadyExistsError:
                _check(client, [topic])  # somebody else was faster
        if missing:
            client.wait_for_topics([topic.name for topic in missing], timeout_ms=TIMEOUT_MS)
    return TopicReport(
        created=tuple(topic.name for topic in missing),
        existing=tuple(topic.name for topic in present),
    )


def describe_topics(
    address: KafkaAddress, names: Sequence[str] | None = None
) -> dict[str, TopicState]:
    """State of the topics that exist, by name; ``None`` = every topic of our table."""
    wanted = [topic.name for topic in TOPICS] if names is None else list(names)
    with admin(address) as client:
        known = set(client.list_topics())
        wanted = [name for name in wanted if name in known]
        if not wanted:
            return {}
        counts = _partitions(client, wanted)
        cuts = [TopicPartition(name, n) for name, count in counts.items() for n in range(count)]
        starts = client.list_partition_offsets(dict.fromkeys(cuts, OffsetSpec.EARLIEST))
        ends = client.list_partition_offsets(dict.fromkeys(cuts, OffsetSpec.LATEST))
        configs = _configs(client, wanted)
        sizes = _sizes(client, wanted)
    return {
        name: TopicState(
            name=name,
            partitions=count,
            starts=tuple(starts[TopicPartition(name, n)].offset for n in range(count)),
            ends=tuple(ends[TopicPartition(name, n)].offset for n in range(count)),
            bytes=sizes.get(name),
            config=configs.get(name, {}),
        )
        for name, count in counts.items()
    }


def _check(client: KafkaAdminClient, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    counts = _partitions(client, [topic.name for topic in topics])
    configs = _configs(client, [topic.name for topic in topics])
    wrong = []
    for topic in topics:
        if counts[topic.name] != topic.partitions:
            wrong.append(f"{topic.name}:分区数为 {counts[topic.name]},应为 {topic.partitions}")
        cleanup = configs.get(topic.name, {}).get("cleanup.policy", "delete")
        if cleanup != topic.cleanup:
            wrong.append(f"{topic.name}:cleanup.policy 为 {cleanup},应为 {topic.cleanup}")
    if wrong:
        raise TopicMismatch(";".join(wrong) + "。请换一个集群或先处理这些主题,不会自动修改")


def _partitions(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    found = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics(names)}
    return {name: found[name] for name in names}


def _configs(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer: dict[str, Any] = client.describe_configs(asked, config_filter="all")
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in answer.get("topic", {}).items()
    }


def _sizes(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Bytes on disk of the leaders' copies; empty where the broker does not tell."""
    try:
        brokers = client.describe_log_dirs(topic_partitions=list(names))
    except (KafkaError, ValueError):
        return {}
    sizes: dict[str, int] = {}
    for broker in brokers:
        for directory in broker["log_dirs"]:
            for topic in directory["topics"]:
                name = topic["name"]
                bytes_ = sum(cut["partition_size"] for cut in topic["partitions"])
                sizes[name] = sizes.get(name, 0) + bytes_
    return sizes
