-- The headline figures: what came in today, what is in hand, what turned yellow or red.
--
-- now_ms    UInt64  the moment the figures are for, epoch milliseconds UTC
-- today_ms  UInt64  start of that day in Asia/Shanghai, epoch milliseconds UTC
-- area      String  area code prefix the viewer may see; '' = the whole city
--
-- Whole hours are counted from the projection by_hour of the table, not from rows.
--
-- received   events today that open or join a case (disposition case or triage)
-- signals    all events today, device telemetry included
-- emergencies_hour  emergency events of the last 60 minutes
-- on_time    cases closed today whose handling clock never turned red; together with closed_today
--            and overdue this gives 按期办结率 = on_time / (closed_today + overdue)
SELECT
    e.received         AS received,
    e.signals          AS signals,
    h.emergencies_hour AS emergencies_hour,
    c.in_hand          AS in_hand,
    c.yellow           AS yellow,
    c.red              AS red,
    c.overdue          AS overdue,
    c.closed_today     AS closed_today,
    c.closed_today - l.late AS on_time
FROM
(
    SELECT
        countIf(disposition IN ('case', 'triage')) AS received,
        count() AS signals
    FROM events
    WHERE intDiv(ingest_ms, 3600000) >= intDiv({today_ms:UInt64}, 3600000)
      AND NOT test
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS e
CROSS JOIN
(
    SELECT count() AS emergencies_hour
    FROM events
    WHERE intDiv(ingest_ms, 3600000) >= intDiv({now_ms:UInt64} - 3600000, 3600000)
      AND ingest_ms >= {now_ms:UInt64} - 3600000
      AND emergency
      AND NOT test
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS h
CROSS JOIN
(
    SELECT
        countIf(open) AS in_hand,
        countIf(open AND light = 'yellow') AS yellow,
        countIf(open AND light = 'red') AS red,
        countIf(open AND (light = 'red' OR (due_ms > 0 AND due_ms <= {now_ms:UInt64}))) AS overdue,
        countIf(closed_ms >= {today_ms:UInt64}) AS closed_today
    FROM
    (
        SELECT light, due_ms, closed_ms,
               closed_ms = 0 AND state NOT IN ('closed', 'merged') AS open
        FROM cases FINAL
        WHERE NOT test
          AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
    )
) AS c
CROSS JOIN
(
    SELECT uniqExact(case_no) AS late
    FROM case_changes
    WHERE move = 'overdue' AND stage = 'red' AND clock = 'handle'
      AND case_no IN
      (
          SELECT case_no
          FROM cases FINAL
          WHERE closed_ms >= {today_ms:UInt64} AND NOT test
            AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
      )
) AS l
