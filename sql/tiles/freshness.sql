-- How fresh the store is, how often something normally arrives, and whether any of it is simulated.
-- `recent` counts the ten minutes before the newest event, so that the expectation does not fade
-- with the silence it should expose. Test rows count here: they too prove that data flows.
--
-- now_ms  UInt64  epoch milliseconds UTC; the last 24 hours are looked at
-- area    String  area code prefix the viewer may see; '' = the whole city
WITH
(
    SELECT max(ingest_ms)
    FROM events
    WHERE intDiv(ingest_ms, 3600000) >= intDiv({now_ms:UInt64} - 86400000, 3600000)
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS newest,
(
    SELECT max(updated_ms)
    FROM cases
    WHERE ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS newest_case
SELECT
    ifNull(newest, 0)                             AS newest_event_ms,
    ifNull(newest_case, 0)                        AS newest_case_ms,
    countIf(ingest_ms > ifNull(newest, 0) - 600000) AS recent,
    max(simulated)                                AS simulated
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv({now_ms:UInt64} - 86400000, 3600000)
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
