-- Alerts, newest first, one page, with the state their case is in now.
--
-- recipient         String  unit id or desk:<area>; '' = all
-- kind              String  '' = all
-- desks, desk_unit  UInt8, String  1 = only those to duty desks: desk-<area>, or the profile's own
-- area, unit_only   String  the viewer's region and unit; '' = all
-- since_ms          Int64   by creation, epoch milliseconds UTC
-- unacknowledged    UInt8   1 = only those that want acknowledging and are not yet
-- answers           Array(String)  'kind move': moves that answer an alert made before them; of an
--                           emergency, and by 'respond', only that of the unit that took the case
-- before_ms, before_id  Int64, String  the page's cursor
-- limit             UInt16
WITH found AS
(
    SELECT *
    FROM alerts FINAL
    WHERE created_ms >= {since_ms:Int64}
      AND (created_ms, alert_id) < ({before_ms:Int64}, {before_id:String})
      AND NOT test
      AND ({recipient:String} = '' OR recipient = {recipient:String})
      AND ({kind:String} = '' OR kind = {kind:String})
      AND ({desks:UInt8} = 0 OR startsWith(recipient, 'desk-') OR recipient = {desk_unit:String})
      AND ({unit_only:String} = '' OR recipient = {unit_only:String})
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
)
SELECT
    a.alert_id AS alert_id, a.kind AS kind, a.recipient AS recipient, a.case_no AS case_no,
    a.class_code AS class_code, a.grade AS grade, a.village AS village, a.grid AS grid,
    a.building AS building, a.title AS title, a.channel AS channel, a.clock AS clock,
    a.due_ms AS due_ms, a.late_seconds AS late_seconds, a.created_ms AS created_ms,
    a.needs_ack AS needs_ack, a.simulated AS simulated, a.acknowledged AS acknowledged,
    c.state AS state, c.light AS light, c.unit AS unit, c.version AS version,
    c.due_clock AS due_clock, c.due_ms AS case_due_ms
FROM
(
    SELECT
        f.alert_id AS alert_id, f.kind AS kind, f.recipient AS recipient, f.case_no AS case_no,
        f.class_code AS class_code, f.grade AS grade, f.village AS village, f.grid AS grid,
        f.building AS building, f.title AS title, f.channel AS channel, f.clock AS clock,
        f.due_ms AS due_ms, f.late_seconds AS late_seconds, f.created_ms AS created_ms,
        f.needs_ack AS needs_ack, f.simulated AS simulated,
        f.alert_id IN (SELECT alert_id FROM case_changes
                       WHERE move = 'acknowledge' AND case_no IN (SELECT case_no FROM found))
        OR f.created_ms < multiIf(
            f.kind = 'assigned',  greatest(m.assigned_ms, t.took_ms),
            f.kind = 'emergency', t.took_ms,
            f.kind = 'triage',    m.triage_ms,
            0) AS acknowledged
    FROM found AS f
    LEFT JOIN
    (
        SELECT
            case_no,
            max(if(has({answers:Array(String)}, concat('assigned ', move)), at_ms, 0)) AS assigned_ms,
            max(if(has({answers:Array(String)}, concat('triage ', move)), at_ms, 0)) AS triage_ms
        FROM case_changes
        WHERE move != 'respond' AND case_no IN (SELECT case_no FROM found)
        GROUP BY case_no
    ) AS m ON m.case_no = f.case_no
    LEFT JOIN
    (
        SELECT
            case_no,
            arrayJoin(if(move = 'respond',
                         JSONExtract(body, 'case', 'responded', 'Array(String)'),
                         [toString(unit)])) AS took,
            max(at_ms) AS took_ms
        FROM case_changes
        WHERE has({answers:Array(String)}, concat('emergency ', move))
          AND case_no IN (SELECT case_no FROM found)
        GROUP BY case_no, took
    ) AS t ON t.case_no = f.case_no AND t.took = f.recipient
    WHERE {unacknowledged:UInt8} = 0 OR (f.needs_ack AND NOT acknowledged)
    ORDER BY f.created_ms DESC, f.alert_id DESC
    LIMIT {limit:UInt16}
) AS a
LEFT JOIN
(
    SELECT case_no, state, light, unit, version, due_clock, due_ms
    FROM cases FINAL
    WHERE case_no IN (SELECT case_no FROM found)
) AS c ON c.case_no = a.case_no
ORDER BY created_ms DESC, alert_id DESC
