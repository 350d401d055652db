-- Who may write a partition of a raw topic: the worker that claimed it last (highest turn). A worker
-- that was frozen while its partitions moved on finds itself superseded at its next insert, which the
-- store refuses whole: see sql/ledger/insert_as_writer.sql.
CREATE TABLE IF NOT EXISTS writers
(
    topic     LowCardinality(String),
    partition UInt16,
    turn      UInt64,
    writer    String
)
ENGINE = ReplacingMergeTree(turn)
ORDER BY (topic, partition);

-- Partitions that intake has stopped reading because too many of their records were bad, and what an
-- operator decided about them; the newest row of a partition counts.
--   state   open: stands at `offset` | passed: read on, bad records go to the dead letters
--   until   for `passed`: the offset up to which bad records are let through
--   bad, seen  records of the last look and how many of them were bad
CREATE TABLE IF NOT EXISTS breakers
(
    topic     LowCardinality(String),
    partition UInt16,
    state     LowCardinality(String),
    offset    Int64,
    until     Int64,
    bad       UInt32,
    seen      UInt32,
    reason    String,
    at_ms     Int64
)
ENGINE = ReplacingMergeTree(at_ms)
ORDER BY (topic, partition);
