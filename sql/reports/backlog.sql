-- 在办量: cases registered and not closed at the end of the period.
-- key, n = cases, of = 0
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
    toFloat64(count()) AS n,
    toUInt64(0) AS of
FROM
(
    SELECT
        case_no,
        argMax(state, version) AS state,
        argMax(unit, version) AS unit,
        argMax(class_code, version) AS class_code,
        village, grid, channel
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64}
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, channel
)
WHERE state NOT IN ('closed', 'merged')
GROUP BY key
ORDER BY key
