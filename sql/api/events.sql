-- Events by filters, newest first, one page. Empty filter = all.
--
-- area, unit_only           String  the viewer's region and unit; '' = all
-- channel, class, county, village, grid, unit, disposition, q  String  ('class' is a prefix)
-- grade                     UInt8   0 = all
-- since_ms, until_ms        Int64   by ingest, epoch milliseconds UTC, since <= t < until
-- simulated                 Int8    -1 = both
-- test                      Int8    -1 = both
-- before_ms, before_id      Int64, String  the page's cursor: rows strictly older
-- limit                     UInt16
SELECT
    event_id, channel, source, source_id, occurred_ms, ingest_ms, clock, device_id, event_code,
    semantics, value, unit_of_value, title, text, class_code, confidence, top3, class_reasons,
    grade, emergency, county, town, village, grid, building, lon, lat, located_by, unit,
    unit_level, route, case_no, disposition, test, simulated
FROM events
WHERE intDiv(ingest_ms, 3600000) >= intDiv({since_ms:Int64}, 3600000)
  AND intDiv(ingest_ms, 3600000) <= intDiv({until_ms:Int64}, 3600000)
  AND ingest_ms >= {since_ms:Int64} AND ingest_ms < {until_ms:Int64}
  AND (ingest_ms, event_id) < ({before_ms:Int64}, {before_id:String})
  AND ({channel:String} = '' OR channel = {channel:String})
  AND startsWith(class_code, {class:String})
  AND ({grade:UInt8} = 0 OR grade = {grade:UInt8})
  AND ({county:String} = '' OR county = {county:String})
  AND ({village:String} = '' OR village = {village:String})
  AND ({grid:String} = '' OR grid = {grid:String})
  AND ({unit:String} = '' OR unit = {unit:String})
  AND ({unit_only:String} = '' OR unit = {unit_only:String})
  AND ({disposition:String} = '' OR disposition = {disposition:String})
  AND ({simulated:Int8} < 0 OR simulated = {simulated:Int8})
  AND ({test:Int8} < 0 OR test = {test:Int8})
  AND ({q:String} = '' OR positionCaseInsensitiveUTF8(title, {q:String}) > 0
       OR positionCaseInsensitiveUTF8(text, {q:String}) > 0
       OR source_id = {q:String} OR case_no = {q:String} OR event_id = {q:String})
  AND ({area:String} = '' OR startsWith(village, {area:String}) OR startsWith(grid, {area:String}))
ORDER BY ingest_ms DESC, event_id DESC
LIMIT {limit:UInt16}
