-- 解决率: followed-up cases of the period whose reporter said it was solved, of those asked.
-- Disputes are not among them: their recheck asks whether an agreement lasted.
-- key, n = solved, of = followed up
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    toFloat64(countIf(move = 'follow_up' AND resolved = 1)) AS n,
    countIf(move = 'follow_up' AND resolved >= 0) AS of
FROM case_changes FINAL
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
HAVING n > 0 OR of > 0
ORDER BY key
