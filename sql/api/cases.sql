-- Cases by filters, one page. Empty filter = all.
--
-- order                     String  'newest' = newest first; 'due' = earliest deadline first
-- area, unit_only           String  the viewer's region and unit; '' = all
-- channel, class, county, village, grid, unit, q  String  ('class' is a prefix)
-- states, lights            Array(String)  [] = all
-- open                      Int8    1 = in hand, 0 = over, -1 = both
-- grade                     UInt8   0 = all
-- since_ms, until_ms        Int64   by opening, epoch milliseconds UTC, since <= t < until
-- batch                     String  of leads; '' = all cases, '*' = all leads
-- simulated, test           Int8    -1 = both
-- before_key, before_no     Int64, String  the page's cursor: `sort_key` and case_no of its last row
-- limit                     UInt16
SELECT
    case_no, version, state, class_code, grade, emergency, title, channel, county, village, grid,
    building, lon, lat, device_id, unit, unit_level, light, level_up, events, opened_ms,
    updated_ms, closed_ms, due_clock, due_ms, yellow_ms, satisfaction, resolved, test, simulated,
    if({order:String} = 'due',
       if(due_ms = 0, -4611686018427387904, -due_ms),
       opened_ms) AS sort_key
FROM cases FINAL
WHERE opened_ms >= {since_ms:Int64} AND opened_ms < {until_ms:Int64}
  AND (sort_key, case_no) < ({before_key:Int64}, {before_no:String})
  AND (empty({states:Array(String)}) OR has({states:Array(String)}, toString(state)))
  AND (empty({lights:Array(String)}) OR has({lights:Array(String)}, toString(light)))
  AND ({open:Int8} < 0 OR (closed_ms = 0 AND state NOT IN ('closed', 'merged')) = {open:Int8})
  AND ({channel:String} = '' OR channel = {channel:String})
  AND ({batch:String} = '' OR batch = {batch:String} OR ({batch:String} = '*' AND batch != ''))
  AND startsWith(class_code, {class:String})
  AND ({grade:UInt8} = 0 OR grade = {grade:UInt8})
  AND ({county:String} = '' OR county = {county:String})
  AND ({village:String} = '' OR village = {village:String})
  AND ({grid:String} = '' OR grid = {grid:String})
  AND ({unit:String} = '' OR unit = {unit:String})
  AND ({unit_only:String} = '' OR unit = {unit_only:String})
  AND ({simulated:Int8} < 0 OR simulated = {simulated:Int8})
  AND ({test:Int8} < 0 OR test = {test:Int8})
  AND ({q:String} = '' OR positionCaseInsensitiveUTF8(title, {q:String}) > 0
       OR startsWith(case_no, {q:String})
       OR positionCaseInsensitiveUTF8(JSONExtractString(body, 'text'), {q:String}) > 0)
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
ORDER BY sort_key DESC, case_no DESC
LIMIT {limit:UInt16}
