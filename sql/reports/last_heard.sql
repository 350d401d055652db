-- When each device was last heard before a moment: its newest event, but for the notes on silence.
-- What 设备在线率 is reckoned from.
--
-- since_ms, until_ms  Int64  by ingest in [since, until), epoch milliseconds UTC
-- simulated           Bool   simulated events, or real ones; never both
SELECT device_id, max(ingest_ms) AS heard_ms
FROM events
WHERE ingest_ms >= {since_ms:Int64} AND ingest_ms < {until_ms:Int64}
  AND device_id != '' AND event_code != 'device.offline'
  AND NOT test AND simulated = {simulated:Bool}
GROUP BY device_id
ORDER BY device_id
