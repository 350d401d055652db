-- Records of a partition, offsets [{low}, {high}), that are held more than once, and by which tables.
-- {topic}; {partition}; {most}: rows to return, lowest offset first.
WITH held AS
(
    SELECT offset, part, 'events' AS kept FROM events
    WHERE topic = {topic:String} AND partition = {partition:UInt16}
    UNION ALL
    SELECT offset, part, 'dead_letters' AS kept FROM dead_letters FINAL
    WHERE topic = {topic:String} AND partition = {partition:UInt16}
    UNION ALL
    SELECT offset, part, 'filtered' AS kept FROM filtered
    WHERE topic = {topic:String} AND partition = {partition:UInt16}
)
SELECT offset, part, count() AS times, arraySort(groupUniqArray(kept)) AS tables
FROM held
WHERE offset >= {low:Int64} AND offset < {high:Int64}
GROUP BY offset, part
HAVING times > 1
ORDER BY offset, part
LIMIT {most:UInt32}
