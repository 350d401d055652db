-- Whether the store answers and holds our tables.
-- No parameters; `tables` is 4 when the migrations have run.
SELECT count() AS tables
FROM system.tables
WHERE database = currentDatabase() AND name IN ('events', 'cases', 'case_changes', 'alerts')
