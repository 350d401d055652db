-- 首次联系及时率: of the dispatches of the period that start the clock of the first contact, those contacted
-- within the limit by its end.
-- key, n = contacted within the limit, of = dispatched
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    key,
    toFloat64(countIf(NOT starts)) AS n,
    countIf(starts) AS of
FROM
(
    SELECT multiIf({by:String} = 'unit', unit,
               {by:String} = 'area', substring(village, 1, {digits:UInt8}),
               {by:String} = 'class', class_code,
               {by:String} = 'major', substring(class_code, 1, 2),
               {by:String} = 'channel', channel,
               {by:String} = 'grid', grid, '') AS key, 1 AS starts
    FROM case_changes FINAL
    WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
      AND has(started, 'contact')
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    UNION ALL
    SELECT multiIf({by:String} = 'unit', if(from_unit = '', unit, from_unit),
               {by:String} = 'area', substring(village, 1, {digits:UInt8}),
               {by:String} = 'class', class_code,
               {by:String} = 'major', substring(class_code, 1, 2),
               {by:String} = 'channel', channel,
               {by:String} = 'grid', grid, '') AS key, 0 AS starts
    FROM case_changes FINAL
    WHERE at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}
      AND move IN ('contact')
      AND arrayExists(e -> e.clock = 'contact' AND e.in_time AND e.started_ms >= {since_ms:Int64}, ended)
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
)
GROUP BY key
ORDER BY key
