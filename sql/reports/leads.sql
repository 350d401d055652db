-- 线索核查进度: leads by area, for a tile or a table: pushed down, checked, with a hazard, overdue. Overdue is
-- a lead nobody has checked by its due time. Areas of the asked level, most unchecked first.
--
-- since_ms, until_ms  Int64   pushed down in [since, until), as it stands at until; epoch ms UTC
-- area                String  area code prefix; '' = the whole city
-- digits              UInt8   length of the area codes to show: 6 counties, 9 towns, 12 villages
-- batch               String  one batch; '' = all
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    substring(village, 1, {digits:UInt8}) AS code,
    count() AS pushed,
    countIf(state != 'pushed') AS checked,
    countIf(hazard = 1) AS hazards,
    countIf(state = 'pushed' AND due_ms > 0 AND due_ms <= {until_ms:Int64}) AS overdue
FROM
(
    SELECT
        village,
        argMax(state, version) AS state,
        max(hazard) AS hazard,
        min(at_ms) AS pushed_ms,
        argMax(toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(arrayFirst(
            d -> d.clock = 'check',
            JSONExtract(body, 'case', 'deadlines', 'Array(Tuple(clock String, due String))')
        ).due, 3, 'UTC')), version) AS due_ms
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64} AND batch != ''
      AND ({batch:String} = '' OR batch = {batch:String})
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village
)
WHERE pushed_ms >= {since_ms:Int64}
GROUP BY code
ORDER BY pushed - checked DESC, code
LIMIT 1000
