"""What can be configured of a topic: one row a setting, names and meanings as in Apache Kafka."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .codes import Code, Refused

MIB = 1 << 20
DAY_MS = 24 * 3600 * 1000


def _whole(low: int, high: int = 2**63 - 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"must lie between {low} and {high}")
        return value

    return parse


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("must lie between 0 and 1")
    return value


def _policy(text: str) -> str:
    words = sorted({word.strip() for word in text.split(",")})
    if not words or not set(words) <= {"compact", "delete"}:
        raise ValueError("must be delete, compact or compact,delete")
    return ",".join(words)


def _only(word: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text != word:
            raise ValueError(f"only {word!r} is offered here")
        return text

    return parse


@dataclass(frozen=True)
class TopicConfig:
    """Settings of one topic. Sizes in bytes, times in milliseconds, -1 = without limit."""

    cleanup_policy: str = "delete"
    retention_ms: int = 7 * DAY_MS
    retention_bytes: int = 1024 * MIB
    segment_bytes: int = 64 * MIB
    segment_ms: int = DAY_MS
    min_compaction_lag_ms: int = 0
    delete_retention_ms: int = DAY_MS
    min_cleanable_dirty_ratio: float = 0.5
    max_message_bytes: int = 10 * MIB
    compression_type: str = "producer"
    message_timestamp_type: str = "CreateTime"
    min_insync_replicas: str = "1"

    @property
    def compacts(self) -> bool:
        return "compact" in self.cleanup_policy

    @property
    def deletes(self) -> bool:
        return "delete" in self.cleanup_policy

    @property
    def roll_bytes(self) -> int:
        """Size at which a segment is closed: small enough for `retention_bytes` to bite."""
        if self.deletes and self.retention_bytes >= 0:
            return min(self.segment_bytes, max(MIB, self.retention_bytes // 4))
        return self.segment_bytes


# name -> (parser, type in DescribeConfigs: 2 text, 3 int, 5 long, 6 double, 7 list)
ROWS: Mapping[str, tuple[Callable[[str], object], int]] = {
    "cleanup.policy": (_policy, 7),
    "retention.ms": (_whole(-1), 5),
    "retention.bytes": (_whole(-1), 5),
    "segment.bytes": (_whole(MIB, 1024 * MIB), 3),
    "segment.ms": (_whole(1), 5),
    "min.compaction.lag.ms": (_whole(0), 5),
    "delete.retention.ms": (_whole(0), 5),
    "min.cleanable.dirty.ratio": (_share, 6),
    "max.message.bytes": (_whole(0, 100 * MIB), 3),
    "compression.type": (_only("producer"), 2),
    "message.timestamp.type": (_only("CreateTime"), 2),
    "min.insync.replicas": (_only("1"), 3),
}


def parse(given: Mapping[str, str | None]) -> TopicConfig:
    """The settings that `given` asks for, the rest by default.

    Raises Refused(INVALID_CONFIG) naming the setting, its value and what is allowed.
    """
    values: dict[str, object] = {}
    for name, text in given.items():
        if name not in ROWS:
            known = ", ".join(ROWS)
            raise Refused(Code.INVALID_CONFIG, f"unknown setting {name!r}; known: {known}")
        try:
            values[name.replace(".", "_")] = ROWS[name][0](text or "")
        except ValueError as error:
            raise Refused(Code.INVALID_CONFIG, f"{name}={text!r}: {error}") from None
    return TopicConfig(**values)  # type: ignore[arg-type]


def shown(config: TopicConfig) -> dict[str, str]:
    """Every setting as text, for DescribeConfigs."""
    return {name: str(getattr(config, name.replace(".", "_"))) for name in ROWS}
