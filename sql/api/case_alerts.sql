-- Alerts of a case, newest first, and which were acknowledged.
--
-- case_no  String
SELECT
    alert_id, kind, recipient, clock, due_ms, late_seconds, created_ms, needs_ack,
    alert_id IN (SELECT alert_id FROM case_changes
                 WHERE case_no = {case_no:String} AND move = 'acknowledge') AS acknowledged
FROM alerts FINAL
WHERE case_no = {case_no:String}
ORDER BY created_ms DESC, alert_id
LIMIT 200
