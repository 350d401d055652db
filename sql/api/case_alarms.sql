-- What became of the signals behind a case, oldest first: confirmed, bundled, folded, and why.
--
-- case_no  String
SELECT at_ms, event_id, device_id, event_code, outcome, rule, reason
FROM alarm_verdicts FINAL
WHERE case_no = {case_no:String}
ORDER BY at_ms, event_id, outcome
LIMIT 500
