-- What people decided about texts: the class a person gave when registering or dispatching a case
-- that came in as words, newest last. {since_ms}: epoch ms, moves before it are left out.
-- `body` is the change as in the topic; its case carries the text without any contact.
SELECT
    JSONExtractString(body, 'case', 'title')   AS title,
    JSONExtractString(body, 'case', 'text')    AS text,
    class_code                                 AS code,
    JSONExtractBool(body, 'case', 'emergency') AS emergency,
    before                                     AS was
FROM
(
    SELECT
        *,
        lagInFrame(class_code, 1, '') OVER (
            PARTITION BY case_no ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS before
    FROM case_changes FINAL
)
WHERE move IN ('register', 'dispatch')
  AND actor_role IN ('operator', 'supervisor', 'unit', 'grid_worker')
  AND class_code != '' AND class_code != before
  AND at_ms >= {since_ms:Int64}
  AND NOT simulated AND NOT test
  AND JSONExtractString(body, 'case', 'device_id') = ''
ORDER BY at_ms, case_no
