-- 满意率: valid replies of the period that say satisfied or basically satisfied, 3 to 5 of 5.
-- Disputes are not among them: two parties rarely are of one mind about it.
-- key, n = satisfied, of = valid replies
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
    toFloat64(countIf(move = 'follow_up' AND satisfaction >= 3)) AS n,
    countIf(move = 'follow_up' AND satisfaction > 0) AS of
FROM case_changes FINAL
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
HAVING n > 0 OR of > 0
ORDER BY key
