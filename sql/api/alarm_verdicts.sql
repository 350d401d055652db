-- What became of devices' signals, newest first, one page. Empty filter = all.
--
-- area, unit_only  String  the viewer's region and unit; '' = all
-- event_id, device_id, case_no, outcome, building  String
-- since_ms        Int64   by when it happened, epoch milliseconds UTC
-- before_ms, before_id  Int64, String  the page's cursor
-- limit           UInt16
SELECT
    at_ms, event_id, device_id, event_code, building, grid, outcome, rule, reason, case_no,
    simulated
FROM alarm_verdicts FINAL
WHERE at_ms >= {since_ms:Int64}
  AND (at_ms, event_id) < ({before_ms:Int64}, {before_id:String})
  AND ({event_id:String} = '' OR event_id = {event_id:String})
  AND ({device_id:String} = '' OR device_id = {device_id:String})
  AND ({case_no:String} = '' OR case_no = {case_no:String})
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({building:String} = '' OR building = {building:String})
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
  AND ({unit_only:String} = ''
       OR case_no IN (SELECT case_no FROM cases FINAL WHERE unit = {unit_only:String}))
ORDER BY at_ms DESC, event_id DESC
LIMIT {limit:UInt16}
