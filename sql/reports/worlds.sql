-- Which worlds have cases: how many opened in the period are real, how many simulated.
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
--
SELECT countIf(NOT simulated) AS real_cases, countIf(simulated) AS simulated_cases
FROM cases FINAL
WHERE opened_ms < {until_ms:Int64} AND (closed_ms = 0 OR closed_ms >= {since_ms:Int64})
  AND NOT test
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
