-- Events: what sources reported, one row an event. Columns are the fields of schemas.event.Event,
-- in order; times are epoch milliseconds in UTC.
--
-- Rows carry topic, partition, offset: a worker that takes over a partition reads the projection
-- `fence` and skips what the table already holds, so a resend never doubles a row. Projections live
-- inside the part and are therefore as atomic as the rows: no aggregate can disagree with them.
-- Partitioned by ingest time: a device with a crazy clock cannot open a thousand partitions.
CREATE TABLE IF NOT EXISTS events
(
    topic               LowCardinality(String),
    partition           UInt16,
    offset              Int64,
    part                UInt16,
    event_id            String CODEC(ZSTD(1)),
    channel             LowCardinality(String),
    source              LowCardinality(String),
    source_id           String CODEC(ZSTD(1)),
    occurred_ms         Int64 CODEC(Delta, ZSTD(1)),
    device_ms           Int64 CODEC(Delta, ZSTD(1)),
    ingest_ms           Int64 CODEC(Delta, ZSTD(1)),
    clock               LowCardinality(String),
    device_id           String CODEC(ZSTD(1)),
    event_code          LowCardinality(String),
    semantics           LowCardinality(String),
    value               Float64,
    unit_of_value       LowCardinality(String),
    title               String CODEC(ZSTD(3)),
    text                String CODEC(ZSTD(3)),
    class_code          LowCardinality(String),
    confidence          Float32,
    top3                Array(LowCardinality(String)),
    class_reasons       Array(String),
    grade               UInt8,
    emergency           Bool,
    county              LowCardinality(String),
    town                LowCardinality(String),
    village             LowCardinality(String),
    grid                LowCardinality(String),
    building            LowCardinality(String),
    lon                 Float64,
    lat                 Float64,
    located_by          LowCardinality(String),
    location_confidence Float32,
    unit                LowCardinality(String),
    unit_level          LowCardinality(String),
    route               LowCardinality(String),
    case_no             String CODEC(ZSTD(1)),
    disposition         LowCardinality(String),
    reporter            String CODEC(ZSTD(1)),
    test                Bool,
    simulated           Bool,

    ingested_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(ingest_ms, 'UTC'),
    occurred_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(occurred_ms, 'UTC'),

    INDEX by_event event_id TYPE bloom_filter GRANULARITY 4,
    INDEX by_case case_no TYPE bloom_filter GRANULARITY 4,

    PROJECTION fence
    (
        SELECT topic, partition, max(offset), countIf(part = 0), count()
        GROUP BY topic, partition
    ),
    PROJECTION by_hour
    (
        SELECT intDiv(ingest_ms, 3600000), channel, county, class_code, disposition,
               test, simulated, count(), max(ingest_ms)
        GROUP BY intDiv(ingest_ms, 3600000), channel, county, class_code, disposition,
                 test, simulated
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(ingest_ms, 'UTC'))
ORDER BY (intDiv(ingest_ms, 3600000), channel, village, ingest_ms)
TTL toDateTime(fromUnixTimestamp64Milli(ingest_ms, 'UTC')) + INTERVAL 3 YEAR
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 1000;

-- Records read and deliberately not counted, with the reason (a repeat of an event already held).
CREATE TABLE IF NOT EXISTS filtered
(
    topic     LowCardinality(String),
    partition UInt16,
    offset    Int64,
    part      UInt16,
    event_id  String CODEC(ZSTD(1)),
    reason    LowCardinality(String),
    ingest_ms Int64 CODEC(Delta, ZSTD(1)),

    PROJECTION fence
    (
        SELECT topic, partition, max(offset), countIf(part = 0), count()
        GROUP BY topic, partition
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(ingest_ms, 'UTC'))
ORDER BY (topic, partition, offset, part)
TTL toDateTime(fromUnixTimestamp64Milli(ingest_ms, 'UTC')) + INTERVAL 1 YEAR
SETTINGS non_replicated_deduplication_window = 1000;

-- Dead letters: where and why, never the payload (that stays whole in the topic dead-letters).
-- A resend after a crash lands on the same key and is folded away: read it with FINAL.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic       LowCardinality(String),
    partition   UInt16,
    offset      Int64,
    part        UInt16,
    reason      LowCardinality(String),
    field       LowCardinality(String),
    detail      String,
    at_ms       Int64,
    dl_partition UInt16,
    dl_offset   Int64
)
ENGINE = ReplacingMergeTree(at_ms)
ORDER BY (topic, partition, offset, part)
TTL toDateTime(fromUnixTimestamp64Milli(at_ms, 'UTC')) + INTERVAL 1 YEAR;
