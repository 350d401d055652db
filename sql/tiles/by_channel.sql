-- Events that open or join a case, by channel, most first: the last 24 clock hours, the running
-- one included.
--
-- now_ms  UInt64  epoch milliseconds UTC
-- area    String  area code prefix the viewer may see; '' = the whole city
SELECT channel, count() AS events
FROM events
WHERE intDiv(ingest_ms, 3600000) > intDiv({now_ms:UInt64}, 3600000) - 24
  AND disposition IN ('case', 'triage')
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY channel
ORDER BY events DESC, channel
