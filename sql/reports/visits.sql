-- Visits of patrol points: which point, in which hour of the period. What 巡查覆盖率 is reckoned from.
--
-- since_ms, until_ms  Int64  the period [since, until), epoch milliseconds UTC
-- simulated           Bool   simulated events, or real ones; never both
SELECT DISTINCT device_id, intDiv(occurred_ms - {since_ms:Int64}, 3600000) AS hour
FROM events
WHERE occurred_ms >= {since_ms:Int64} AND occurred_ms < {until_ms:Int64}
  AND ingest_ms >= {since_ms:Int64}
  AND event_code = 'patrol.visited'
  AND NOT test AND simulated = {simulated:Bool}
ORDER BY device_id, hour
