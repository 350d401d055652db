-- 中位办理时长 and P90: hours from the start of handling to done, for handlings done in the period, in the
-- calendar of their clock (natural or working hours), pauses taken off.
-- key, n = hours, of = handlings
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
-- quantile            Float64 0.5, 0.9 or 0.95
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    quantilesExactInclusive(0.5, 0.9, 0.95)(handled.used_seconds / 3600)[indexOf([0.5, 0.9, 0.95], {quantile:Float64})] AS n,
    count() AS of
FROM case_changes FINAL
ARRAY JOIN ended AS handled
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND move IN ('finish', 'clear') AND handled.clock = 'handle'
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
