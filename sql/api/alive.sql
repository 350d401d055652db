-- Whether the store answers and holds our tables.
SELECT count() AS tables
FROM system.tables
WHERE database = currentDatabase() AND name IN ('events', 'cases', 'case_changes', 'alerts')
