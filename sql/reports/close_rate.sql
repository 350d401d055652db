-- 办结率: of the cases whose handling fell due in the period, those closed by its end. A case whose due
-- time was moved counts where it stands now; suspended and merged cases are not due.
-- key, n = closed, of = due
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
    toFloat64(countIf(state = 'closed')) AS n,
    count() AS of
FROM
(
    SELECT
        case_no,
        argMax(state, version) AS state,
        argMax(unit, version) AS unit,
        argMax(class_code, version) AS class_code,
        village, grid, channel,
        argMaxIf(due_ms, version, due_ms > 0) AS last_due_ms
    FROM
    (
        SELECT *,
            if(handle_due_ms > 0, handle_due_ms,
               arrayFirst(e -> e.clock = 'handle', ended).due_ms) AS due_ms
        FROM case_changes FINAL
    )
    WHERE at_ms < {until_ms:Int64}
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, channel
)
WHERE state NOT IN ('merged', 'suspended')
  AND last_due_ms >= {since_ms:Int64} AND last_due_ms < {until_ms:Int64}
GROUP BY key
ORDER BY key
