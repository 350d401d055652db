-- From which offset on does a partition count? What is older than a table's keeping time may be
-- gone from it for good, so records from before {cutoff_ms} (epoch ms) are left out of the ledger.
-- One row a partition that has such records: topic, partition, first offset that counts.
SELECT topic, partition, max(offset) + 1 AS first
FROM
(
    SELECT topic, partition, offset FROM events WHERE ingest_ms < {cutoff_ms:Int64}
    UNION ALL
    SELECT topic, partition, offset FROM filtered WHERE ingest_ms < {cutoff_ms:Int64}
    UNION ALL
    SELECT topic, partition, offset FROM dead_letters FINAL WHERE at_ms < {cutoff_ms:Int64}
)
GROUP BY topic, partition
