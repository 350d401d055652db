-- Say that intake has stopped a partition ({state} open) or goes on with it (closed). {topic};
-- {partition}; {offset} where it stands; {bad} of {seen} records were bad, mostly for {reason}; {at_ms}.
INSERT INTO breakers (topic, partition, state, offset, until, bad, seen, reason, at_ms)
SELECT {topic:String}, {partition:UInt16}, {state:String}, {offset:Int64}, -1, {bad:UInt32},
    {seen:UInt32}, {reason:String}, {at_ms:Int64}
