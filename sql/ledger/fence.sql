-- Up to which offset the table of events holds each partition. Answered from the projection `fence`.
SELECT topic, partition, max(offset)
FROM events
GROUP BY topic, partition
