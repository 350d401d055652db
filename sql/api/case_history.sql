-- Every move of a case, oldest first.
--
-- case_no  String
SELECT
    version, change_id, command_id, move, from_state, state, at_ms, actor_role, actor_id,
    actor_unit, reason, event_id, clock, stage, late_seconds, alert_id, satisfaction, resolved, found,
    unit, light
FROM case_changes FINAL
WHERE case_no = {case_no:String}
ORDER BY version
LIMIT 1000
