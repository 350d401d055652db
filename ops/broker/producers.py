"""What a partition remembers of its producers: sequences for idempotence, open transactions."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .batch import ABORT, Header
from .codes import Code, Refused

KEPT_BATCHES = 5  # a client has at most five requests in flight, so a repeat is one of these
FORGET_AFTER_MS = 24 * 3600 * 1000


def _after(sequence: int, step: int = 1) -> int:
    return (sequence + step) & 0x7FFFFFFF


@dataclass
class Producer:
    epoch: int
    seen_ms: int
    batches: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=KEPT_BATCHES))


class Producers:
    """State of one partition; `aborted` rows are (producer, first offset, offset of the marker)."""

    def __init__(self) -> None:
        self.known: dict[int, Producer] = {}
        self.open: dict[int, int] = {}
        self.aborted: list[tuple[int, int, int]] = []

    def check(self, header: Header) -> int | None:
        """The base offset of the same batch if it was taken before, else None: append it.

        Raises Refused: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER.
        """
        producer = self.known.get(header.producer_id)
        if header.producer_id < 0 or producer is None:
            return None
        first = header.base_sequence
        if header.producer_epoch < producer.epoch:
            raise Refused(
                Code.INVALID_PRODUCER_EPOCH,
                f"producer {header.producer_id} was replaced (epoch {producer.epoch})",
            )
        if header.producer_epoch > producer.epoch:
            expected = 0
        elif not producer.batches:
            return None
        else:
            last = _after(first, header.last_delta)
            for known_first, known_last, offset in producer.batches:
                if (first, last) == (known_first, known_last):
                    return offset
            expected = _after(producer.batches[-1][1])
        if first != expected:
            raise Refused(
                Code.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"producer {header.producer_id} sent sequence {first}, {expected} was due",
            )
        return None

    def note(self, header: Header, now_ms: int, kind: int = ABORT) -> None:
        """Takes in a batch that was appended; `kind` is that of a control batch."""
        pid = header.producer_id
        if pid < 0:
            return
        producer = self.known.get(pid)
        if producer is None or producer.epoch != header.producer_epoch:
            producer = self.known[pid] = Producer(header.producer_epoch, now_ms)
        producer.seen_ms = now_ms
        if header.control:
            first = self.open.pop(pid, None)
            if first is not None and kind == ABORT:
                self.aborted.append((pid, first, header.base_offset))
            return
        first_seq = header.base_sequence
        last_seq = _after(first_seq, header.last_delta)
        producer.batches.append((first_seq, last_seq, header.base_offset))
        if header.transactional:
            self.open.setdefault(pid, header.base_offset)

    def forget(self, now_ms: int, before: int) -> None:
        """Drops producers silent for a day and aborted transactions that end before `before`."""
        for pid in [
            pid
            for pid, producer in self.known.items()
            if producer.seen_ms < now_ms - FORGET_AFTER_MS and pid not in self.open
        ]:
            del self.known[pid]
        self.aborted = [row for row in self.aborted if row[2] >= before]

    def dump(self) -> dict[str, Any]:
        return {
            "known": {
                str(pid): [p.epoch, p.seen_ms, list(p.batches)] for pid, p in self.known.items()
            },
            "open": {str(pid): offset for pid, offset in self.open.items()},
            "aborted": self.aborted,
        }

    def restore(self, dumped: dict[str, Any]) -> None:
        self.known = {
            int(pid): Producer(epoch, seen, deque((tuple(b) for b in batches), maxlen=KEPT_BATCHES))
            for pid, (epoch, seen, batches) in dumped["known"].items()
        }
        self.open = {int(pid): offset for pid, offset in dumped["open"].items()}
        self.aborted = [(pid, first, last) for pid, first, last in dumped["aborted"]]
