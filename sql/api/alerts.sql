-- Alerts, newest first, one page, with the state their case is in now.
--
-- recipient         String  unit id or desk:<area>; '' = all
-- area, unit_only   String  the viewer's region and unit; '' = all
-- since_ms          Int64   by creation, epoch milliseconds UTC
-- unacknowledged    UInt8   1 = only those that want acknowledging and are not yet
-- before_ms, before_id  Int64, String  the page's cursor
-- limit             UInt16
SELECT
    a.alert_id AS alert_id, a.kind AS kind, a.recipient AS recipient, a.case_no AS case_no,
    a.class_code AS class_code, a.grade AS grade, a.village AS village, a.grid AS grid,
    a.building AS building, a.title AS title, a.channel AS channel, a.clock AS clock,
    a.due_ms AS due_ms, a.late_seconds AS late_seconds, a.created_ms AS created_ms,
    a.needs_ack AS needs_ack, a.simulated AS simulated,
    a.alert_id IN (SELECT alert_id FROM case_changes
                   WHERE move = 'acknowledge' AND at_ms >= {since_ms:Int64}) AS acknowledged,
    c.state AS state, c.light AS light, c.unit AS unit, c.version AS version,
    c.due_clock AS due_clock, c.due_ms AS case_due_ms
FROM
(
    SELECT *
    FROM alerts FINAL
    WHERE created_ms >= {since_ms:Int64}
      AND (created_ms, alert_id) < ({before_ms:Int64}, {before_id:String})
      AND NOT test
      AND ({recipient:String} = '' OR recipient = {recipient:String})
      AND ({unit_only:String} = '' OR recipient = {unit_only:String})
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
      AND ({unacknowledged:UInt8} = 0
           OR (needs_ack AND alert_id NOT IN (SELECT alert_id FROM case_changes
                                              WHERE move = 'acknowledge'
                                                AND at_ms >= {since_ms:Int64})))
    ORDER BY created_ms DESC, alert_id DESC
    LIMIT {limit:UInt16}
) AS a
LEFT JOIN
(
    SELECT case_no, state, light, unit, version, due_clock, due_ms
    FROM cases FINAL
    WHERE opened_ms >= {since_ms:Int64} - 7776000000  -- alerts of cases up to 90 days old
) AS c ON c.case_no = a.case_no
ORDER BY created_ms DESC, alert_id DESC
