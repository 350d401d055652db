-- 按时签收率: of the dispatches of the period, those the unit took up within the limit by its end: signed,
-- handled in the grid, or whistled for others.
-- key, n = taken up within the limit, of = dispatched
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
      AND has(started, 'sign')
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
      AND move IN ('sign', 'handle_in_grid', 'whistle')
      AND arrayExists(e -> e.clock = 'sign' AND e.in_time AND e.started_ms >= {since_ms:Int64}, ended)
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
)
GROUP BY key
ORDER BY key
