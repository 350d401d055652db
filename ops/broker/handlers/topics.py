"""Cluster, topics and their settings."""

from collections.abc import Mapping
from typing import Any

from ..catalog import Topic
from ..codes import Code, Refused
from ..state import NODE, Broker, Call
from ..topic_config import ROWS, parse, shown

TOPIC, BROKER = 2, 4
SET, DELETE = 0, 1
FROM_TOPIC, BY_DEFAULT = 1, 5


async def metadata(broker: Broker, call: Call) -> Any:
    q, topic_of = call.request, call.answer.MetadataResponseTopic
    part_of = topic_of.MetadataResponsePartition
    everything = q.topics is None or (call.version == 0 and not q.topics)
    names = list(broker.catalog.topics) if everything else [topic.name for topic in q.topics]
    may_create = broker.options.auto_create and (call.version < 4 or q.allow_auto_topic_creation)
    topics = []
    for name in names:
        code, parts = 0, 0
        try:
            if may_create and name not in broker.catalog.topics:
                broker.catalog.create(name, broker.options.auto_create, {})
            parts = len(broker.catalog.topic(name).logs)
        except Refused as error:
            code = broker.refuse(error.code)
        topics.append(
            topic_of(
                error_code=code,
                name=name,
                is_internal=False,
                partitions=[
                    part_of(
                        error_code=0,
                        partition_index=n,
                        leader_id=NODE,
                        leader_epoch=0,
                        replica_nodes=[NODE],
                        isr_nodes=[NODE],
                        offline_replicas=[],
                    )
                    for n in range(parts)
                ],
            )
        )
    node = call.answer.MetadataResponseBroker(
        node_id=NODE, host=broker.host, port=broker.port, rack=None
    )
    return call.answer(
        brokers=[node], cluster_id=broker.catalog.cluster_id, controller_id=NODE, topics=topics
    )


async def describe_cluster(broker: Broker, call: Call) -> Any:
    node = call.answer.DescribeClusterBroker(
        broker_id=NODE, host=broker.host, port=broker.port, rack=None
    )
    return call.answer(
        error_code=0,
        error_message=None,
        endpoint_type=1,
        cluster_id=broker.catalog.cluster_id,
        controller_id=NODE,
        brokers=[node],
    )


async def create_topics(broker: Broker, call: Call) -> Any:
    q, row_of, rows = call.request, call.answer.CreatableTopicResult, []
    for topic in q.topics:
        code, reason = 0, None
        try:
            given = {config.name: config.value for config in topic.configs}
            partitions = 1 if topic.num_partitions == -1 else topic.num_partitions
            if topic.assignments:
                raise Refused(
                    Code.INVALID_REPLICA_ASSIGNMENT, "one node: there is nothing to assign"
                )
            if topic.replication_factor not in (-1, 1):
                raise Refused(
                    Code.INVALID_REPLICATION_FACTOR,
                    f"replication factor {topic.replication_factor}: this broker is a single node",
                )
            broker.catalog.check_new(topic.name, partitions, given)
            if not q.validate_only:
                broker.catalog.create(topic.name, partitions, given)
        except Refused as error:
            code, reason = broker.refuse(error.code), error.reason
        rows.append(row_of(name=topic.name, error_code=code, error_message=reason))
    return call.answer(topics=rows)


async def delete_topics(broker: Broker, call: Call) -> Any:
    rows = []
    for name in call.request.topic_names:
        code, reason = 0, None
        try:
            aside = broker.catalog.delete(broker.catalog.topic(name))
            broker.offsets.drop_topic(name)
            await broker.housekeeping.remove_tree(aside)
        except Refused as error:
            code, reason = broker.refuse(error.code), error.reason
        rows.append(
            call.answer.DeletableTopicResult(name=name, error_code=code, error_message=reason)
        )
    return call.answer(responses=rows)


async def create_partitions(broker: Broker, call: Call) -> Any:
    q, row_of, rows = call.request, call.answer.CreatePartitionsTopicResult, []
    for topic in q.topics:
        code, reason = 0, None
        try:
            found = broker.catalog.topic(topic.name)
            if q.validate_only:
                if topic.count <= len(found.logs):
                    raise Refused(Code.INVALID_PARTITIONS)
            else:
                broker.catalog.grow(found, topic.count)
        except Refused as error:
            code, reason = broker.refuse(error.code), error.reason
        rows.append(row_of(name=topic.name, error_code=code, error_message=reason))
    return call.answer(results=rows)


async def describe_configs(broker: Broker, call: Call) -> Any:
    row_of, rows = call.answer.DescribeConfigsResult, []
    for resource in call.request.resources:
        code, reason, configs = 0, None, []
        try:
            given, values = _settings(broker, resource)
            keys = resource.configuration_keys
            configs = [
                row_of.DescribeConfigsResourceResult(
                    name=name,
                    value=value,
                    read_only=resource.resource_type == BROKER,
                    is_default=name not in given,
                    config_source=FROM_TOPIC if name in given else BY_DEFAULT,
                    is_sensitive=False,
                    synonyms=[],
                    config_type=ROWS[name][1],
                    documentation=None,
                )
                for name, value in values.items()
                if not keys or name in keys
            ]
        except Refused as error:
            code, reason = broker.refuse(error.code), error.reason
        rows.append(
            row_of(
                error_code=code,
                error_message=reason,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
                configs=configs,
            )
        )
    return call.answer(results=rows)


def _settings(broker: Broker, resource: Any) -> tuple[Mapping[str, str | None], dict[str, str]]:
    """What was given and what holds, of a topic or, as the defaults, of the broker."""
    if resource.resource_type == BROKER:
        return {}, shown(parse({}))
    if resource.resource_type != TOPIC:
        raise Refused(Code.INVALID_REQUEST, "only topics and the broker have settings")
    topic = broker.catalog.topic(resource.resource_name)
    return topic.given, shown(topic.config)


async def alter_configs(broker: Broker, call: Call) -> Any:
    """Replaces all settings of a topic."""
    rows = []
    for resource in call.request.resources:
        given = {config.name: config.value for config in resource.configs}
        rows.append(_altered(broker, call, resource, lambda _, given=given: given))
    return call.answer(responses=rows)


async def incremental_alter_configs(broker: Broker, call: Call) -> Any:
    """Sets or unsets single settings of a topic."""
    rows = []
    for resource in call.request.resources:

        def change(topic: Topic, configs: Any = resource.configs) -> dict[str, str | None]:
            given = dict(topic.given)
            for config in configs:
                if config.config_operation == SET:
                    given[config.name] = config.value
                elif config.config_operation == DELETE:
                    given.pop(config.name, None)
                else:
                    raise Refused(Code.INVALID_CONFIG, "only set and delete are offered here")
            return given

        rows.append(_altered(broker, call, resource, change))
    return call.answer(responses=rows)


def _altered(broker: Broker, call: Call, resource: Any, change: Any) -> Any:
    code, reason = 0, None
    try:
        if resource.resource_type != TOPIC:
            raise Refused(Code.INVALID_REQUEST, "only settings of topics can be changed")
        topic = broker.catalog.topic(resource.resource_name)
        given = change(topic)
        parse(given)
        if not call.request.validate_only:
            broker.catalog.configure(topic, given)
    except Refused as error:
        code, reason = broker.refuse(error.code), error.reason
    return call.answer.AlterConfigsResourceResponse(
        error_code=code,
        error_message=reason,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )
