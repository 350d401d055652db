-- One case, whole: `body` is the case as JSON (schemas.case.Case).
--
-- case_no          String
-- area, unit_only  String  the viewer's region and unit; '' = all
SELECT case_no, version, county, body
FROM cases FINAL
WHERE case_no = {case_no:String}
  AND ({unit_only:String} = '' OR unit = {unit_only:String}
       OR position(body, concat('"', {unit_only:String}, '"')) > 0)
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
