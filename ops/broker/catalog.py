"""The topics of a data directory, and the directory itself: lock, format, what it holds."""

import fcntl
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .codes import CannotStart, Code, Refused
from .log import PartitionLog
from .topic_config import TopicConfig, parse

FORMAT = 1
NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
MOST_PARTITIONS = 1000


@dataclass
class Topic:
    name: str
    config: TopicConfig
    given: dict[str, str | None]
    logs: list[PartitionLog] = field(default_factory=list)


class Catalog:
    """Topics by name. Raises CannotStart when the directory cannot be used."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.topics: dict[str, Topic] = {}
        self._lock = _locked(directory)
        self.cluster_id = uuid.uuid4().hex[:22]
        try:
            self._load()
        except OSError as error:
            raise CannotStart(
                f"数据目录 {directory} 无法读写。Cannot read or write the data directory: {error}"
            ) from error

    def _load(self) -> None:
        described = self.directory / "meta.json"
        if not described.exists():
            self._save()
        meta: dict[str, Any] = json.loads(described.read_text())
        if meta["format"] > FORMAT:
            raise CannotStart(
                f"数据目录 {self.directory} 由更新的版本写成"
                f" (格式 {meta['format']}, 本版本 {FORMAT})。"
                f" The data directory was written by a newer version (format {meta['format']},"
                f" this one knows {FORMAT}); use that version or another directory."
            )
        self.cluster_id = meta["cluster_id"]
        for name, row in meta["topics"].items():
            topic = Topic(name, parse(row["config"]), row["config"])
            topic.logs = [self._open(topic, n) for n in range(row["partitions"])]
            self.topics[name] = topic
        for found in (self.directory / "topics").glob("*"):
            if found.name not in self.topics:
                shutil.rmtree(found)  # its deletion was decided before the broker stopped

    def _save(self) -> None:
        meta = {
            "format": FORMAT,
            "cluster_id": self.cluster_id,
            "topics": {
                t.name: {"partitions": len(t.logs), "config": t.given} for t in self.topics.values()
            },
        }
        draft = self.directory / "meta.draft"
        with draft.open("w") as file:
            json.dump(meta, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.directory / "meta.json")

    def _keep(self) -> None:
        try:
            self._save()
        except OSError as error:
            raise Refused(Code.KAFKA_STORAGE_ERROR, f"{self.directory}: {error}") from error

    def _path(self, name: str) -> Path:
        return self.directory / "topics" / name

    def _open(self, topic: Topic, partition: int) -> PartitionLog:
        return PartitionLog(self._path(topic.name) / str(partition), topic.config)

    def log(self, topic: str, partition: int) -> PartitionLog:
        """Raises Refused(UNKNOWN_TOPIC_OR_PARTITION)."""
        found = self.topics.get(topic)
        if found is None or not 0 <= partition < len(found.logs):
            raise Refused(Code.UNKNOWN_TOPIC_OR_PARTITION, f"{topic}-{partition} does not exist")
        return found.logs[partition]

    def topic(self, name: str) -> Topic:
        """Raises Refused(UNKNOWN_TOPIC_OR_PARTITION)."""
        if name not in self.topics:
            raise Refused(Code.UNKNOWN_TOPIC_OR_PARTITION, f"topic {name!r} does not exist")
        return self.topics[name]

    def check_new(self, name: str, partitions: int, given: Mapping[str, str | None]) -> TopicConfig:
        """The settings of a topic that may be created. Raises Refused with the reason."""
        if not NAME.fullmatch(name) or name in (".", ".."):
            raise Refused(Code.INVALID_TOPIC, f"{name!r}: 1 to 249 of a-z A-Z 0-9 . _ -")
        if name in self.topics:
            raise Refused(Code.TOPIC_ALREADY_EXISTS, f"topic {name!r} exists already")
        if not 1 <= partitions <= MOST_PARTITIONS:
            raise Refused(Code.INVALID_PARTITIONS, f"1 to {MOST_PARTITIONS} partitions")
        return parse(given)

    def create(self, name: str, partitions: int, given: Mapping[str, str | None]) -> Topic:
        config = self.check_new(name, partitions, given)
        topic = Topic(name, config, dict(given))
        try:
            shutil.rmtree(self._path(name), ignore_errors=True)
            topic.logs = [self._open(topic, n) for n in range(partitions)]
        except OSError as error:
            raise Refused(Code.KAFKA_STORAGE_ERROR, str(error)) from error
        self.topics[name] = topic
        try:
            self._keep()
        except Refused:
            del self.topics[name]
            raise
        return topic

    def grow(self, topic: Topic, partitions: int) -> None:
        """Adds partitions. Raises Refused(INVALID_PARTITIONS) unless there become more."""
        if not len(topic.logs) < partitions <= MOST_PARTITIONS:
            raise Refused(
                Code.INVALID_PARTITIONS,
                f"{topic.name} has {len(topic.logs)} partitions; {partitions} is not more"
                f" (at most {MOST_PARTITIONS})",
            )
        before = list(topic.logs)
        try:
            topic.logs += [self._open(topic, n) for n in range(len(before), partitions)]
            self._keep()
        except (OSError, Refused) as error:
            topic.logs = before
            raise Refused(Code.KAFKA_STORAGE_ERROR, str(error)) from error

    def configure(self, topic: Topic, given: Mapping[str, str | None]) -> None:
        """Replaces the settings given for a topic."""
        before = topic.given
        config = parse(given)
        topic.given = dict(given)
        try:
            self._keep()
        except Refused:
            topic.given = before
            raise
        topic.config = config
        for log in topic.logs:
            log.config = config

    def delete(self, topic: Topic) -> Path:
        """Forgets a topic; the directory that is left to remove, already out of the way."""
        del self.topics[topic.name]
        try:
            self._keep()
        except Refused:
            self.topics[topic.name] = topic
            raise
        for log in topic.logs:
            log.close()
        aside = self._path(f".deleted-{uuid.uuid4().hex}")
        self._path(topic.name).rename(aside)
        return aside

    def logs(self) -> list[PartitionLog]:
        return [log for topic in self.topics.values() for log in topic.logs]

    def close(self) -> None:
        for log in self.logs():
            log.close()
        os.close(self._lock)


def _locked(directory: Path) -> int:
    """Makes the directory ours alone. Raises CannotStart."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "topics").mkdir(exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CannotStart(
            f"数据目录 {directory} 不可写。The data directory is not writable: {error}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise CannotStart(
            f"数据目录 {directory} 正被另一个代理进程使用。"
            " Another broker is using the data directory."
        ) from error
    return lock
