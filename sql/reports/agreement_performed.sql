-- 协议履行率: agreements whose last obligation fell due in the period and which were performed in full by its
-- end, of all agreements whose last obligation fell due in it. What happened next to an agreement decides:
-- performed, broken, or nothing yet.
-- key, n = performed in full, of = agreements fallen due
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | field; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'field', field, '') AS key,
    toFloat64(countIf(following = 'perform')) AS n,
    count() AS of
FROM
(
    SELECT
        move, unit, village, grid, class_code, field, agreement_due_ms,
        leadInFrame(toString(move)) OVER (
            PARTITION BY case_no ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS following
    FROM case_changes FINAL
    WHERE at_ms < {until_ms:Int64}
      AND (move IN ('agree', 'breach') OR move = 'perform' AND state = 'performed')
      AND NOT test AND simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
)
WHERE move = 'agree'
  AND agreement_due_ms >= {since_ms:Int64} AND agreement_due_ms < {until_ms:Int64}
GROUP BY key
ORDER BY key
