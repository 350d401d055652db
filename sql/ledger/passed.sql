-- Partitions whose bad records an operator lets through: topic, partition, up to which offset, when.
SELECT topic, partition, until, at_ms
FROM breakers FINAL
WHERE state = 'passed'
