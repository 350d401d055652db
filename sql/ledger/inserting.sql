-- Inserts into the tables of intake that are running now. A worker that has claimed a partition waits
-- for these before it looks what the tables hold: they may have begun before its claim.
SELECT query_id
FROM system.processes
WHERE query_kind = 'Insert' AND (query LIKE '%INTO events%' OR query LIKE '%INTO filtered%')
