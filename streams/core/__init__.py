"""Pure rules: functions over frozen models, with the clock passed in."""
