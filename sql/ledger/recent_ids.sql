-- Ids of the newest events of a partition, oldest first: what a worker that takes it over must know
-- to recognise repeats. {topic}; {partition}; {since_ms} epoch ms; {most} rows.
SELECT event_id, offset, part
FROM
(
    SELECT event_id, offset, part
    FROM events
    WHERE topic = {topic:String} AND partition = {partition:UInt16} AND ingest_ms >= {since_ms:Int64}
    ORDER BY offset DESC, part DESC
    LIMIT {most:UInt32}
)
ORDER BY offset, part
