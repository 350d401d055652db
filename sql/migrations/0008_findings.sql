-- What a look at the place found: of an alarm whether it was true, of a lead whether it is a hazard.
--   found  1 = yes, 0 = no, -1 = not said
ALTER TABLE case_changes ADD COLUMN IF NOT EXISTS found Int8 DEFAULT -1;
