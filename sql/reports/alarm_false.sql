-- 误报率: device alarms that a look at the place in the period found to be false, of those it judged.
-- key, n = false, of = judged
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  kind (of device; keys are device ids) | building | area | class |
--                             channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
-- devices             Array(String)  channels of the profile whose kind is device
SELECT
    multiIf({by:String} = 'kind', JSONExtractString(body, 'case', 'device_id'),
            {by:String} = 'building', JSONExtractString(body, 'case', 'building'),
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    toFloat64(countIf(found = 0)) AS n,
    count() AS of
FROM case_changes FINAL
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND move = 'verify' AND found >= 0 AND has({devices:Array(String)}, channel)
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
