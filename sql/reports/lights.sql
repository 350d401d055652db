-- 黄灯数 and 红灯数: reminders (yellow) or supervision orders (red) issued in the period, repeated ones
-- included. The desk's own clocks count for the desk of the county, not for the unit that handles.
-- key, n = lights, of = 0
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
-- stage               String  yellow | red
SELECT
    multiIf({by:String} = 'unit', if(clock IN ('accept', 'dispatch', 'verify', 'followup', 'review', 'acknowledge', 'refer', 'recheck'),
                concat('desk-', substring(village, 1, 6)), unit),
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    toFloat64(count()) AS n,
    toUInt64(0) AS of
FROM case_changes FINAL
WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
  AND move = 'overdue' AND (stage = {stage:String} OR {stage:String} = 'red' AND stage = 'again'
       OR {stage:String} = 'yellow' AND stage = 'remind')
  AND NOT test AND simulated = {simulated:Bool}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
