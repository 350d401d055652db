-- Every change of the cases opened in a period, each case's together and in order: what a back-test
-- replays.
--
-- since_ms, until_ms  Int64   opened in [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- simulated           Bool    simulated cases, or real ones; never both
SELECT body
FROM case_changes FINAL
WHERE opened_ms >= {since_ms:Int64} AND opened_ms < {until_ms:Int64}
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
ORDER BY case_no, version
