-- The change a command caused, if it did: what an action came to when its answer was missed.
--
-- case_no, command_id  String
SELECT body
FROM case_changes FINAL
WHERE case_no = {case_no:String} AND command_id = {command_id:String}
LIMIT 1
