-- Is data flowing? {now_ms}: epoch ms. Newest ingest of the last day (0 = none) and the newest of
-- all hours to come (a clock that ran ahead); events and dead letters of the last hour.
SELECT
    (SELECT max(ingest_ms) FROM events
     WHERE intDiv(ingest_ms, 3600000) >= intDiv({now_ms:Int64} - 86400000, 3600000)) AS newest,
    (SELECT count() FROM events
     WHERE intDiv(ingest_ms, 3600000) >= intDiv({now_ms:Int64} - 3600000, 3600000)
       AND ingest_ms >= {now_ms:Int64} - 3600000) AS events,
    (SELECT count() FROM dead_letters FINAL
     WHERE at_ms >= {now_ms:Int64} - 3600000) AS letters
