-- What became of every signal of a device, and why: one row a verdict, also of what was suppressed.
-- A signal may have several (held, then released; opened, then confirmed).
--   at_ms      when it happened, epoch milliseconds UTC; of a wake-up, when it was decided
--   event_id   of the signal; '' = decided without one (a storm or window is over)
--   outcome    see schemas.alarm.Outcome
--   rule       row of alarm_rules.tsv or alarm_patterns.tsv
--   reason     in Chinese, for people
--   case_no    the case it reached; '' = none
CREATE TABLE IF NOT EXISTS alarm_verdicts
(
    village    LowCardinality(String),
    key        String,
    event_id   String,
    at_ms      Int64,
    device_id  String,
    event_code LowCardinality(String),
    building   LowCardinality(String),
    grid       LowCardinality(String),
    outcome    LowCardinality(String),
    rule       LowCardinality(String),
    reason     String,
    case_no    String,
    simulated  Bool,
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_case case_no TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(at_ms, 'UTC'))
ORDER BY (village, at_ms, key, event_id, outcome)
TTL toDateTime(fromUnixTimestamp64Milli(at_ms, 'UTC')) + INTERVAL 1 YEAR;

-- The alarms of devices as they stand: raised, cleared, acknowledged. Times in epoch milliseconds
-- UTC, 0 = never. ``version`` is the record's offset in alarm-states.
CREATE TABLE IF NOT EXISTS alarms
(
    key             String,
    version         Int64,
    village         LowCardinality(String),
    device_id       String,
    event_code      LowCardinality(String),
    state           LowCardinality(String),
    first_ms        Int64,
    last_ms         Int64,
    cleared_ms      Int64,
    acknowledged_ms Int64,
    heard_ms        Int64,
    raises          UInt32,
    clears          UInt32,
    flapping        Bool,
    bundled         Bool,
    case_no         String,
    rule            LowCardinality(String),
    simulated       Bool
)
ENGINE = ReplacingMergeTree(version)
ORDER BY key
TTL toDateTime(fromUnixTimestamp64Milli(heard_ms, 'UTC')) + INTERVAL 40 DAY;
