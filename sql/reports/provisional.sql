-- Open cases with a clock that rests on days whose official calendar was not published. No parameters.
SELECT body
FROM cases FINAL
WHERE closed_ms = 0 AND state NOT IN ('closed', 'merged')
  AND position(body, '"provisional":true') > 0
ORDER BY case_no
