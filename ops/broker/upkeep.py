"""Keeping one log within bounds: what retention drops, what to compact, and taking up the result.

All on the event loop and quick; the slow parts are `compaction` and the deleting of files.
"""

import contextlib
import time

from .codes import Refused
from .compaction import Compacted, Plan
from .log import PartitionLog
from .segment import Segment
from .topic_config import MIB


def expired(log: PartitionLog, now: float) -> list[Segment]:
    """Takes out what is older or more than the topic keeps; the caller removes the files.

    A record's age is that of its own stamp, but never less than the file's: a device whose
    clock runs ahead does not keep a log for ever.
    """
    config = log.config
    if not config.deletes:
        return []
    if config.retention_ms >= 0 and log.active.size:
        # A quiet topic's newest file would keep its oldest record for ever.
        aged = now - log.active.born > min(config.segment_ms, config.retention_ms) / 1000
        if aged or _too_old(log, log.active, now):
            log.roll()
    surplus = log.size - config.retention_bytes if config.retention_bytes >= 0 else 0
    keep_from = log.start
    for segment in log.segments[:-1]:
        old = config.retention_ms >= 0 and _too_old(log, segment, now)
        if not old and surplus < segment.size:
            break
        surplus -= segment.size
        keep_from = segment.next_offset
    # The start needs no mark here, the first file's name says it: a full disk must not
    # keep old segments from being deleted.
    log.start = keep_from
    return log.fallen_out()


def _too_old(log: PartitionLog, segment: Segment, now: float) -> bool:
    stamp = min(segment.max_timestamp / 1000, segment.modified())
    return stamp < now - log.config.retention_ms / 1000


def plan(log: PartitionLog, now: float) -> Plan | None:
    """What to compact now, or None. May close the active segment so that it takes part."""
    config = log.config
    if not config.compacts:
        return None
    clean = sum(s.size for s in log.segments if s.next_offset <= log.cleaned)
    dirty = log.size - clean
    share = config.min_cleanable_dirty_ratio
    aged = log.active.size and now - log.active.born > config.segment_ms / 1000
    if (dirty < MIB or dirty < share * log.size) and not aged:
        return None
    if aged or log.active.size >= MIB:
        log.roll()
    newest = now - config.min_compaction_lag_ms / 1000
    chosen: list[Segment] = []
    for segment in log.segments[:-1]:
        stamp = min(segment.max_timestamp / 1000, segment.modified())
        if segment.next_offset > log.stable or stamp > newest:
            break
        chosen.append(segment)
    if not chosen or chosen[-1].next_offset <= log.cleaned:
        return None
    return Plan(
        tuple((s.path, s.size) for s in chosen),
        log.cleaned,
        tuple(log.producers.aborted),
        int((now - config.delete_retention_ms / 1000) * 1000),
        config.roll_bytes,
    )


def adopt(log: PartitionLog, planned: Plan, done: Compacted) -> list[Segment]:
    """Puts compacted segments in place of the old; the old ones, still to be removed.

    Does nothing when the log has changed below (deleted, shortened) in the meantime.
    """
    paths = [path for path, _ in planned.segments]
    if log.closed or [s.path for s in log.segments[: len(paths)]] != paths:
        for made in done.segments:
            made.remove()
        return []
    replaced = [s for s in log.segments[:-1] if s.base < done.clean_to]
    old_paths = {s.path for s in replaced}
    log.snapshots = [kept for kept in log.snapshots if kept[0] not in old_paths]
    for made in done.segments:
        target = made.path.with_suffix(".log")
        target.with_suffix(".state").unlink(missing_ok=True)
        made.close()
        made.path.replace(target)
        made.path = target
    taken = {made.path for made in done.segments}
    log.segments[: len(replaced)] = done.segments
    log.cleaned = done.clean_to
    log.producers.forget(int(time.time() * 1000), log.cleaned)
    with contextlib.suppress(Refused):
        log.save_marks()  # on a full disk the next pass only does some work again
    for old in replaced:
        old.close()
    return [old for old in replaced if old.path not in taken]
