-- Cases, their history and their alerts. All three are idempotent by key (a resend folds away), so
-- read them with FINAL. Times are epoch milliseconds in UTC; 0 = none.

-- Every move of every case, never altered. `body` is the whole change as in the topic.
CREATE TABLE IF NOT EXISTS case_changes
(
    case_no       String,
    version       UInt32,
    change_id     String,
    command_id    String,
    move          LowCardinality(String),
    from_state    LowCardinality(String),
    state         LowCardinality(String),
    at_ms         Int64,
    actor_role    LowCardinality(String),
    actor_id      LowCardinality(String),
    actor_unit    LowCardinality(String),
    reason        String,
    event_id      String,
    clock         LowCardinality(String),
    stage         LowCardinality(String),
    late_seconds  UInt32,
    alert_id      String,
    satisfaction  UInt8,   -- 0 = not asked
    resolved      Int8,    -- -1 = not asked
    channel       LowCardinality(String),
    class_code    LowCardinality(String),
    grade         UInt8,
    village       LowCardinality(String),
    grid          LowCardinality(String),
    unit          LowCardinality(String),
    light         LowCardinality(String),
    opened_ms     Int64,
    test          Bool,
    simulated     Bool,
    body          String CODEC(ZSTD(3)),

    INDEX by_event event_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(opened_ms, 'UTC'))
ORDER BY (case_no, version);

-- The newest state of every case. `due_*` is its earliest running deadline.
CREATE TABLE IF NOT EXISTS cases
(
    case_no      String,
    version      UInt32,
    state        LowCardinality(String),
    class_code   LowCardinality(String),
    grade        UInt8,
    emergency    Bool,
    title        String,
    channel      LowCardinality(String),
    county       LowCardinality(String),
    village      LowCardinality(String),
    grid         LowCardinality(String),
    building     LowCardinality(String),
    lon          Float64,
    lat          Float64,
    device_id    String,
    unit         LowCardinality(String),
    unit_level   LowCardinality(String),
    light        LowCardinality(String),
    level_up     UInt8,
    events       UInt32,
    opened_ms    Int64,
    updated_ms   Int64,
    closed_ms    Int64,
    due_clock    LowCardinality(String),
    due_ms       Int64,
    yellow_ms    Int64,
    satisfaction UInt8,
    resolved     Int8,
    test         Bool,
    simulated    Bool,
    body         String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(opened_ms, 'UTC'))
ORDER BY case_no;

-- Messages to units and duty desks.
CREATE TABLE IF NOT EXISTS alerts
(
    alert_id     String,
    kind         LowCardinality(String),
    recipient    LowCardinality(String),
    case_no      String,
    change_id    String,
    event_id     String,
    class_code   LowCardinality(String),
    grade        UInt8,
    village      LowCardinality(String),
    grid         LowCardinality(String),
    building     LowCardinality(String),
    title        String,
    channel      LowCardinality(String),
    clock        LowCardinality(String),
    due_ms       Int64,
    late_seconds UInt32,
    created_ms   Int64,
    needs_ack    Bool,
    test         Bool,
    simulated    Bool
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(created_ms, 'UTC'))
ORDER BY (recipient, alert_id)
TTL toDateTime(fromUnixTimestamp64Milli(created_ms, 'UTC')) + INTERVAL 1 YEAR;
