-- Repair and test windows that people have begun, one row a village that knows of it. ``version``
-- is the record's offset in alarm-states; a window that is ended early has the new end. Times in
-- epoch milliseconds UTC. Those of maintenance.tsv are not in it.
CREATE TABLE IF NOT EXISTS repair_windows
(
    window_id String,
    village   LowCardinality(String),
    version   Int64,
    scope     LowCardinality(String),
    target    String,
    area      String,                        -- kind, channel: within it; '' = the city
    events    Array(LowCardinality(String)), -- prefixes of event codes; [] = all
    start_ms  Int64,
    end_ms    Int64,
    who       LowCardinality(String),        -- unit
    by        LowCardinality(String),        -- work account
    reason    String
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_id, village)
TTL toDateTime(fromUnixTimestamp64Milli(end_ms, 'UTC')) + INTERVAL 1 YEAR;
