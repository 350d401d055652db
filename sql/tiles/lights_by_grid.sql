-- Grids with something burning: open red and yellow cases, and emergencies opened in the last hour.
--
-- now_ms  UInt64  epoch milliseconds UTC
-- area    String  area code prefix the viewer may see; '' = the whole city
SELECT
    grid,
    countIf(light = 'red') AS red,
    countIf(light = 'yellow') AS yellow,
    countIf(emergency AND opened_ms >= {now_ms:UInt64} - 3600000) AS emergencies
FROM cases FINAL
WHERE closed_ms = 0 AND state NOT IN ('closed', 'merged')
  AND (light != '' OR (emergency AND opened_ms >= {now_ms:UInt64} - 3600000))
  AND grid != ''
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY grid
ORDER BY emergencies DESC, red DESC, yellow DESC, grid
LIMIT 1000
