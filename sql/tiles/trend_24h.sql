-- Events that open or join a case, by hour: yesterday (hours 0 to 23) and today (24 to 47).
--
-- today_ms  UInt64  start of today in Asia/Shanghai, epoch milliseconds UTC (a whole hour)
-- area      String  area code prefix the viewer may see; '' = the whole city
SELECT
    toInt32(intDiv(ingest_ms, 3600000) - intDiv({today_ms:UInt64} - 86400000, 3600000)) AS hour,
    count() AS events
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv({today_ms:UInt64} - 86400000, 3600000)
  AND intDiv(ingest_ms, 3600000) < intDiv({today_ms:UInt64} + 86400000, 3600000)
  AND disposition IN ('case', 'triage')
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY hour
ORDER BY hour
