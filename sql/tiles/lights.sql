-- Red and yellow cases, the most overdue first: what a leader asks about. No case texts: the wall
-- hangs where visitors pass.
--
-- area   String  area code prefix the viewer may see; '' = the whole city
-- limit  UInt16  rows
SELECT
    case_no, light, class_code, grade, emergency, state, county, village, grid, unit,
    due_clock, due_ms, opened_ms, simulated
FROM cases FINAL
WHERE closed_ms = 0 AND state NOT IN ('closed', 'merged')
  AND light IN ('red', 'yellow')
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
ORDER BY light = 'red' DESC, if(due_ms = 0, 9223372036854775807, due_ms), case_no
LIMIT {limit:UInt16}
