-- Silences that were told already: the numbers under which they were.
--
-- since_ms  Int64   by ingest, epoch milliseconds UTC: nothing earlier is read
-- source    String  who tells of silences
SELECT DISTINCT source_id
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv({since_ms:Int64}, 3600000)
  AND event_code = 'device.offline'
  AND source = {source:String}
