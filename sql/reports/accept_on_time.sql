-- 按时受理率: of the cases registered in the period, those accepted by the end of their limit. A case that
-- went straight to a unit was accepted on the spot; one nobody has accepted yet is not.
-- key, n = accepted within the limit, of = registered
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
    toFloat64(countIf(in_time)) AS n,
    count() AS of
FROM
(
    SELECT
        case_no,
        argMax(state, version) AS state,
        argMax(unit, version) AS unit,
        argMax(class_code, version) AS class_code,
        village, grid, channel,
        countIf(version = 1 AND NOT has(started, 'accept')) > 0
        OR countIf(arrayExists(e -> e.clock = 'accept' AND e.in_time, ended)) > 0 AS in_time
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64}
      AND opened_ms >= {since_ms:Int64}
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, channel
)
GROUP BY key
ORDER BY key
