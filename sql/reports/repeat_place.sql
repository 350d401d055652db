-- 同地重复率: of the cases opened in the period at a known place, those with another case of the same class
-- opened within 30 days before or after and within 200 m. Places known only as a grid stand at its middle.
-- key, n = with another, of = cases at a known place
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
WITH placed AS
(
    SELECT
        case_no, unit, class_code, village, grid, channel, opened_ms, lon, lat,
        toInt32(floor(lon / 0.004)) AS x,
        toInt32(floor(lat / 0.002)) AS y  -- cells at least 200 m wide anywhere in China
    FROM cases FINAL
    WHERE opened_ms >= {since_ms:Int64} - 2592000000 AND opened_ms < {until_ms:Int64}
      AND (lon != 0 OR lat != 0) AND class_code != ''
      AND NOT test AND simulated = {simulated:Bool}
),
repeated AS
(
    SELECT DISTINCT a.case_no AS case_no
    FROM
    (
        SELECT case_no, class_code, opened_ms, lon, lat, x + dx AS x, y + dy AS y
        FROM placed
        ARRAY JOIN [-1, -1, -1, 0, 0, 0, 1, 1, 1] AS dx, [-1, 0, 1, -1, 0, 1, -1, 0, 1] AS dy
        WHERE opened_ms >= {since_ms:Int64}
    ) AS a
    INNER JOIN placed AS b ON a.class_code = b.class_code AND a.x = b.x AND a.y = b.y
    WHERE a.case_no != b.case_no
      AND abs(a.opened_ms - b.opened_ms) <= 2592000000
      AND geoDistance(a.lon, a.lat, b.lon, b.lat) <= 200
)
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    toFloat64(countIf(case_no IN (SELECT case_no FROM repeated))) AS n,
    count() AS of
FROM placed
WHERE opened_ms >= {since_ms:Int64}
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
GROUP BY key
ORDER BY key
