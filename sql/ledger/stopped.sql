-- Partitions that stand because too many of their records were bad, newest first.
SELECT topic, partition, offset, bad, seen, reason, at_ms
FROM breakers FINAL
WHERE state = 'open'
ORDER BY at_ms DESC
