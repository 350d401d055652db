-- How fresh the store is, how often something normally arrives, and whether any of it is simulated.
-- `recent` counts the ten minutes before the newest event, so that the expectation does not fade
-- with the silence it should expose. Test rows count here: they too prove that data flows.
-- The last 24 clock hours are looked at, from the projection by_hour of the table.
--
-- now_ms  UInt64  epoch milliseconds UTC
-- area    String  area code prefix the viewer may see; '' = the whole city
WITH
(
    SELECT max(ingest_ms)
    FROM events
    WHERE intDiv(ingest_ms, 3600000) > intDiv({now_ms:UInt64}, 3600000) - 24
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS newest,
(
    SELECT count() > 0
    FROM events
    WHERE intDiv(ingest_ms, 3600000) > intDiv({now_ms:UInt64}, 3600000) - 24
      AND simulated
      AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS any_simulated,
(
    SELECT max(updated_ms)
    FROM cases
    WHERE ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
) AS newest_case
SELECT
    ifNull(newest, 0)        AS newest_event_ms,
    ifNull(newest_case, 0)   AS newest_case_ms,
    ifNull(any_simulated, 0) AS simulated,
    count()                  AS recent
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv(ifNull(newest, 0) - 600000, 3600000)
  AND ingest_ms > ifNull(newest, 0) - 600000
  AND ifNull(newest, 0) > 0
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
