-- Cases opened in the period by place and grade. What 区域风险指数 is reckoned from.
-- key, grade, cases
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  area | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'grid', grid, '') AS key,
    grade,
    count() AS cases
FROM cases FINAL
WHERE opened_ms >= {since_ms:Int64} AND opened_ms < {until_ms:Int64}
  AND state != 'merged'
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key, grade
ORDER BY key, grade
