-- 告警确认时长: seconds from a device's emergency alert of the period to the first acknowledgement by any of
-- those alerted. Alerts nobody has acknowledged have no time yet: see alarm_acked.
-- key, n = seconds, of = acknowledged alarms
--
-- since_ms, until_ms  Int64   the period [since, until), epoch milliseconds UTC
-- area                String  area code prefix; '' = the whole city
-- by                  String  unit | area | class | major | channel | grid; '' = one figure for all
-- digits              UInt8   length of the area codes that `by` area gives: 6, 9 or 12
-- simulated           Bool    figures of simulated cases, or of real ones; never both
-- devices             Array(String)  channels of the profile whose kind is device
-- quantile            Float64 0.5, 0.9 or 0.95
SELECT
    multiIf({by:String} = 'unit', unit,
            {by:String} = 'area', substring(village, 1, {digits:UInt8}),
            {by:String} = 'class', class_code,
            {by:String} = 'major', substring(class_code, 1, 2),
            {by:String} = 'channel', channel,
            {by:String} = 'grid', grid, '') AS key,
    quantilesExactInclusive(0.5, 0.9, 0.95)((acked_ms - raised_ms) / 1000)[indexOf([0.5, 0.9, 0.95], {quantile:Float64})] AS n,
    count() AS of
FROM
(
    SELECT
        a.change_id AS change_id,
        any(a.channel) AS channel, any(a.class_code) AS class_code,
        any(a.village) AS village, any(a.grid) AS grid,
        min(a.created_ms) AS raised_ms,
        argMin(a.recipient, if(k.first_ms = 0, toInt64(9223372036854775807), k.first_ms)) AS unit,
        minIf(k.first_ms, k.first_ms > 0) AS acked_ms
    FROM alerts AS a FINAL
    LEFT JOIN
    (
        SELECT alert_id, min(at_ms) AS first_ms
        FROM case_changes FINAL
        WHERE move = 'acknowledge' AND at_ms < {until_ms:Int64}
        GROUP BY alert_id
    ) AS k ON a.alert_id = k.alert_id
    WHERE a.created_ms >= {since_ms:Int64} AND a.created_ms < {until_ms:Int64}
      AND a.kind = 'emergency' AND has({devices:Array(String)}, a.channel)
      AND NOT a.test AND a.simulated = {simulated:Bool}
      AND ({area:String} = '' OR startsWith(a.village, {area:String}) OR startsWith(a.grid, {area:String}))
    GROUP BY change_id
)
WHERE acked_ms > 0
GROUP BY key
ORDER BY key
