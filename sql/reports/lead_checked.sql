-- 线索核查率: leads pushed down in the period that were checked by its end, of those pushed down in it. A lead
-- that was pushed back for another look is not checked until it is checked again.
-- key, n = checked, of = pushed down
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | batch; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'batch', batch, '') AS key,
    toFloat64(countIf(state != 'pushed')) AS n,
    count() AS of
FROM
(
    SELECT
        village, grid, batch,
        argMax(unit, version) AS unit,
        argMax(state, version) AS state,
        min(at_ms) AS pushed_ms
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64} AND batch != ''
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, batch
)
WHERE pushed_ms >= {since_ms:Int64}
GROUP BY key
ORDER BY key
