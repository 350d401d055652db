-- Let the bad records of a stopped partition through to the dead letters, up to offset {until}.
-- {topic}; {partition}; {at_ms}.
INSERT INTO breakers (topic, partition, state, offset, until, bad, seen, reason, at_ms)
SELECT {topic:String}, {partition:UInt16}, 'passed', -1, {until:Int64}, 0, 0, '', {at_ms:Int64}
