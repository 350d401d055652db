-- One event with everything intake decided about it.
--
-- event_id   String
-- opened_ms  Int64  when the case it belongs to was opened, epoch ms UTC: nothing earlier is read
SELECT
    topic, partition, offset, part, event_id, channel, source, source_id, occurred_ms, device_ms,
    ingest_ms, clock, device_id, event_code, semantics, value, unit_of_value, title, text,
    class_code, confidence, top3, class_reasons, grade, emergency, county, town, village, grid,
    building, lon, lat, located_by, location_confidence, unit, unit_level, route, case_no,
    disposition, reporter, test, simulated
FROM events
WHERE event_id = {event_id:String}
  AND intDiv(ingest_ms, 3600000) >= intDiv({opened_ms:Int64} - 86400000, 3600000)
LIMIT 1
