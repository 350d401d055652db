-- Offsets in [{low}, {high}) of which no table holds anything: runs of them, first and last.
-- {topic}; {partition}; {most}: runs to return, lowest first.
WITH held AS
(
    SELECT offset FROM events
    WHERE topic = {topic:String} AND partition = {partition:UInt16} AND part = 0
    UNION ALL
    SELECT offset FROM dead_letters FINAL
    WHERE topic = {topic:String} AND partition = {partition:UInt16} AND part = 0
    UNION ALL
    SELECT offset FROM filtered
    WHERE topic = {topic:String} AND partition = {partition:UInt16} AND part = 0
)
SELECT offset + 1 AS first, following - 1 AS last
FROM
(
    SELECT
        offset,
        leadInFrame(offset, 1, {high:Int64}) OVER
            (ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS following
    FROM
    (
        SELECT DISTINCT offset FROM held WHERE offset >= {low:Int64} AND offset < {high:Int64}
        UNION ALL
        SELECT {low:Int64} - 1 AS offset
    )
)
WHERE following > offset + 1
ORDER BY first
LIMIT {most:UInt32}
