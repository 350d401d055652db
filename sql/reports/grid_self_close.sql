-- 格内办结率: of the cases with a known grid closed in the period, those the grid itself finished: last
-- done by grid handling, or by a unit of the grid.
-- key, n = closed within the grid, of = closed
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
-- State of every case as it stood at until_ms, whatever happened to it since.
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    toFloat64(countIf(level = 'grid' OR done_from = 'grid_handling')) AS n,
    count() AS of
FROM
(
    SELECT
        case_no,
        argMax(state, version) AS state,
        argMax(unit, version) AS unit,
        argMax(class_code, version) AS class_code,
        village, grid, channel,
        argMax(unit_level, version) AS level,
        argMaxIf(from_state, version, move = 'finish') AS done_from,
        maxIf(at_ms, move = 'close') AS closed_ms
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64}
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, channel
)
WHERE state = 'closed' AND closed_ms >= {since_ms:Int64} AND grid != ''
GROUP BY key
ORDER BY key
