-- 按期办结率: cases closed in the period on time, of those closed in it and those open and overdue at its
-- end: closed_on_time / (closed + open_overdue), never closed_on_time / closed. On time = every handling
-- that was reported done, also the second after rework, was done by its due time; of a dispute every mediation.
-- key, n = closed on time, of = closed + open and overdue
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
    toFloat64(countIf(closed AND late = 0)) AS n,
    countIf(closed OR overdue) AS of
FROM
(
    SELECT *,
        state = 'closed' AND closed_ms >= {since_ms:Int64} AS closed,
        state NOT IN ('closed', 'merged') AND due_ms > 0 AND due_ms <= {until_ms:Int64} AS overdue
    FROM
    (
        SELECT
            case_no,
            argMax(state, version) AS state,
            argMax(unit, version) AS unit,
            argMax(class_code, version) AS class_code,
            village, grid, channel,
            argMax(handle_started_ms, version) AS started_ms,
            argMax(handle_due_ms, version) AS due_ms,
            maxIf(at_ms, move = 'close') AS closed_ms,
            countIf(move IN ('finish', 'clear', 'agree', 'disagree')
                    AND arrayExists(e -> e.clock IN ('handle', 'mediate') AND NOT e.in_time, ended)) AS late
        FROM case_changes FINAL
        WHERE at_ms < {until_ms:Int64}
          AND NOT test AND simulated = {simulated:Bool}
          AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
        GROUP BY case_no, village, grid, channel
    )
)
WHERE closed OR overdue
GROUP BY key
ORDER BY key
