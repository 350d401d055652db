-- The latest alerts, newest first. No case texts.
--
-- now_ms  UInt64  epoch milliseconds UTC; alerts of the last 24 hours are looked at
-- area    String  area code prefix the viewer may see; '' = the whole city
-- limit   UInt16  rows
SELECT
    alert_id, kind, recipient, case_no, class_code, grade, village, grid, channel, clock,
    created_ms, late_seconds, simulated
FROM alerts FINAL
WHERE created_ms >= {now_ms:UInt64} - 86400000
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
ORDER BY created_ms DESC, alert_id
LIMIT {limit:UInt16}
