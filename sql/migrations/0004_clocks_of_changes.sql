-- What figures need of a change, taken out of its body once, when the row is written; rows written
-- before these columns existed have them read from the body.
--   from_unit          whose the case was, when the move gave it to another; '' = it stayed
--   unit_level         level of the unit that has the case after the move
--   started            clocks the move started
--   ended              clocks the move stopped: start and due in epoch milliseconds UTC, seconds
--                      used in the clock's own calendar without pauses, whether it was in time
--   handle_*           the running handling clock after the move; 0 = none runs, or it is paused
ALTER TABLE case_changes
    ADD COLUMN IF NOT EXISTS from_unit LowCardinality(String)
        DEFAULT JSONExtractString(body, 'from_unit'),
    ADD COLUMN IF NOT EXISTS unit_level LowCardinality(String)
        DEFAULT JSONExtractString(body, 'case', 'unit_level'),
    ADD COLUMN IF NOT EXISTS started Array(LowCardinality(String))
        DEFAULT JSONExtract(body, 'started', 'Array(String)'),
    ADD COLUMN IF NOT EXISTS ended Array(Tuple(
            clock LowCardinality(String), started_ms Int64, due_ms Int64,
            used_seconds UInt32, in_time Bool))
        DEFAULT arrayMap(
            e -> (e.clock,
                  toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(e.started_at, 3, 'UTC')),
                  toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(e.due, 3, 'UTC')),
                  e.used_seconds, e.in_time),
            JSONExtract(body, 'ended', 'Array(Tuple(clock String, started_at String, due String, used_seconds UInt32, in_time Bool))')),
    ADD COLUMN IF NOT EXISTS handle_started_ms Int64
        DEFAULT toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(arrayFirst(
            d -> d.clock = 'handle' AND d.paused_at = '',
            JSONExtract(body, 'case', 'deadlines', 'Array(Tuple(clock String, started_at String, due String, paused_at String))')
        ).started_at, 3, 'UTC')),
    ADD COLUMN IF NOT EXISTS handle_due_ms Int64
        DEFAULT toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(arrayFirst(
            d -> d.clock = 'handle' AND d.paused_at = '',
            JSONExtract(body, 'case', 'deadlines', 'Array(Tuple(clock String, started_at String, due String, paused_at String))')
        ).due, 3, 'UTC'));
