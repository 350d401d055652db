-- 受理量: events registered in the period, that is those that opened or joined a case.
-- key, n = events, of = 0
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
    toFloat64(count()) AS n,
    toUInt64(0) AS of
FROM events
WHERE ingest_ms >= {since_ms:Int64} AND ingest_ms < {until_ms:Int64}
  AND disposition IN ('case', 'triage')
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
