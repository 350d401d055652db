-- 线索超期未核查: leads that at the end of the period were unchecked and past the due time of their check,
-- whenever they were pushed down.
-- key, n = leads, of = 0
--
-- until_ms            Int64   the end of the period, epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | batch; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'batch', batch, '') AS key,
    toFloat64(count()) AS n,
    0 AS of
FROM
(
    SELECT
        village, grid, batch,
        argMax(unit, version) AS unit,
        argMax(state, version) AS state,
        argMax(JSONExtract(body, 'case', 'deadlines', 'Array(Tuple(clock String, due String))'),
               version) AS running
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64} AND batch != ''
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    GROUP BY case_no, village, grid, batch
)
WHERE state = 'pushed'
  AND arrayExists(d -> d.clock = 'check' AND toUnixTimestamp64Milli(
          parseDateTime64BestEffortOrZero(d.due, 3, 'UTC')) <= {until_ms:Int64}, running)
GROUP BY key
ORDER BY key
