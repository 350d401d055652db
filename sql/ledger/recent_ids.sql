-- Ids of the newest events of a partition, oldest first: what a worker that takes it over must know
-- to recognise repeats. {topic}; {partition}; {since_ms} epoch ms; {after}: offset, excluded.
SELECT event_id, offset, part
FROM events
WHERE topic = {topic:String} AND partition = {partition:UInt16} AND offset > {after:Int64}
    AND ingest_ms >= {since_ms:Int64}
ORDER BY offset, part
