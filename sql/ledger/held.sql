-- What the tables hold of a partition from an offset on: records that were written and not committed
-- before a worker ended. {topic}; {partition}; {first} offset; {since_ms}: rows that old at the most.
SELECT offset, part
FROM events
WHERE topic = {topic:String} AND partition = {partition:UInt16} AND offset >= {first:Int64}
    AND ingest_ms >= {since_ms:Int64}
UNION ALL
SELECT offset, part
FROM filtered
WHERE topic = {topic:String} AND partition = {partition:UInt16} AND offset >= {first:Int64}
