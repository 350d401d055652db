-- What was reported to a case: its own event and those that joined it, oldest first.
--
-- case_no    String
-- event_ids  Array(String)  events the case knows of; their rows carry the numbers of their own cases
-- opened_ms  Int64  when the case was opened, epoch milliseconds UTC: nothing earlier is read
SELECT
    event_id, case_no, channel, source, source_id, occurred_ms, ingest_ms, device_id, event_code, title,
    text, class_code, confidence, class_reasons, grid, located_by, simulated
FROM events
WHERE (case_no = {case_no:String} OR event_id IN {event_ids:Array(String)})
  AND intDiv(ingest_ms, 3600000) >= intDiv({opened_ms:Int64} - 86400000, 3600000)
ORDER BY ingest_ms, event_id
LIMIT 50
