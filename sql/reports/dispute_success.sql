-- 调解成功率: disputes of the period that ended in an agreement, of those whose mediation ended in it, with
-- an agreement or with none at the last level. A try that leads to another one is no end.
-- key, n = agreements, of = mediations ended
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | field; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'field', field, '') AS key,
    toFloat64(countIf(move = 'agree')) AS n,
    count() AS of
FROM case_changes FINAL
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND (move = 'agree' OR move = 'disagree' AND state = 'failed')
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
