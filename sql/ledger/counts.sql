-- What became of the records of each partition, over offsets [low, high).
-- {topics}, {partitions}, {lows}, {highs}: four arrays of the same length, one entry a partition.
-- One row a partition that has any: rows of each table with part 0; how many records are there at
-- all (each once); and how many rows are there too often (the same record, or the same part of a
-- packed record, more than once, in one table or across the three).
WITH bounds AS
(
    SELECT z.1 AS topic, z.2 AS partition, z.3 AS low, z.4 AS high
    FROM
    (
        SELECT arrayJoin(arrayZip(
            {topics:Array(String)}, {partitions:Array(UInt16)},
            {lows:Array(Int64)}, {highs:Array(Int64)}
        )) AS z
    )
),
held AS
(
    SELECT toString(topic) AS topic, partition, offset, part, 1 AS kept FROM events
    UNION ALL
    SELECT toString(topic) AS topic, partition, offset, part, 2 AS kept FROM dead_letters FINAL
    UNION ALL
    SELECT toString(topic) AS topic, partition, offset, part, 3 AS kept FROM filtered
)
SELECT
    topic,
    partition,
    countIf(part = 0 AND kept = 1) AS rows,
    countIf(part = 0 AND kept = 2) AS dead_letters,
    countIf(part = 0 AND kept = 3) AS filtered,
    groupBitmapIf(toUInt64(offset), part = 0) AS records,
    countIf(part = 0) - groupBitmapIf(toUInt64(offset), part = 0)
        + countIf(part > 0) - uniqExactIf((offset, part), part > 0) AS doubled
FROM held
INNER JOIN bounds USING (topic, partition)
WHERE offset >= low AND offset < high
GROUP BY topic, partition
