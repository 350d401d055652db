-- Repair and test windows begun by people that are not over for long, those that end last first.
--
-- window_id  String  '' = all
-- area       String  area code prefix: those that concern villages in it; '' = the whole city
-- since_ms   Int64   epoch milliseconds UTC: windows that end at or after it
-- now_ms     Int64   epoch milliseconds UTC
SELECT
    window_id, any(scope) AS scope, any(target) AS target, any(area) AS area,
    any(events) AS events, min(begins) AS start_ms, max(ends) AS end_ms, any(who) AS who,
    argMax(by, version) AS by, argMax(reason, version) AS reason,
    arraySort(groupArray(village)) AS villages,
    multiIf(max(ends) <= {now_ms:Int64}, 'over',
            min(begins) > {now_ms:Int64}, 'planned', 'running') AS state
FROM
(
    SELECT window_id, village, version, scope, target, area, events, start_ms AS begins,
           end_ms AS ends, who, by, reason
    FROM repair_windows FINAL
    WHERE ({window_id:String} = '' OR window_id = {window_id:String})
      AND ({area:String} = '' OR startsWith(village, {area:String})
           OR startsWith({area:String}, village))
)
GROUP BY window_id
HAVING end_ms >= {since_ms:Int64}
ORDER BY end_ms DESC, window_id
LIMIT 500
