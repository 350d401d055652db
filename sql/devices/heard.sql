-- When each device was last heard: its newest event, whatever it said, but for the notes on silence.
--
-- since_ms  Int64  by ingest, epoch milliseconds UTC: nothing earlier is read
SELECT device_id, max(ingest_ms) AS heard_ms, argMax(simulated, ingest_ms) AS is_simulated
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv({since_ms:Int64}, 3600000)
  AND ingest_ms >= {since_ms:Int64}
  AND device_id != ''
  AND event_code != 'device.offline'
GROUP BY device_id
