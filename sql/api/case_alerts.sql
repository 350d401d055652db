-- Alerts of a case, newest first, and which were acknowledged or answered (see ``alerts.sql``).
--
-- case_no  String
-- answers  Array(String)  'kind move': moves that answer an alert made before them
SELECT
    f.alert_id AS alert_id, f.kind AS kind, f.recipient AS recipient, f.clock AS clock,
    f.due_ms AS due_ms, f.late_seconds AS late_seconds, f.created_ms AS created_ms,
    f.needs_ack AS needs_ack,
    f.alert_id IN (SELECT alert_id FROM case_changes
                   WHERE case_no = {case_no:String} AND move = 'acknowledge')
    OR f.created_ms < multiIf(
        f.kind = 'assigned',  greatest(m.assigned_ms, t.took_ms),
        f.kind = 'emergency', t.took_ms,
        f.kind = 'triage',    m.triage_ms,
        0) AS acknowledged
FROM (SELECT * FROM alerts FINAL WHERE case_no = {case_no:String}) AS f
CROSS JOIN
(
    SELECT
        max(if(has({answers:Array(String)}, concat('assigned ', move)), at_ms, 0)) AS assigned_ms,
        max(if(has({answers:Array(String)}, concat('triage ', move)), at_ms, 0)) AS triage_ms
    FROM case_changes
    WHERE move != 'respond' AND case_no = {case_no:String}
) AS m
LEFT JOIN
(
    SELECT
        arrayJoin(if(move = 'respond',
                     JSONExtract(body, 'case', 'responded', 'Array(String)'),
                     [toString(unit)])) AS took,
        max(at_ms) AS took_ms
    FROM case_changes
    WHERE has({answers:Array(String)}, concat('emergency ', move)) AND case_no = {case_no:String}
    GROUP BY took
) AS t ON t.took = f.recipient
ORDER BY created_ms DESC, alert_id
LIMIT 200
