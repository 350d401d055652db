-- Become the writer of partitions: from now on inserts of any other writer into them are refused.
-- {topics}, {partitions}: two arrays of the same length; {writer}: a name nobody else ever uses.
INSERT INTO writers (topic, partition, turn, writer)
SELECT
    place.1,
    place.2,
    greatest(
        toUInt64(toUnixTimestamp64Nano(now64(9))),
        (SELECT max(turn) + 1 FROM writers)
    ),
    {writer:String}
FROM
(
    SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt16)})) AS place
)
