-- An insert that only the writer of a partition may make. $table; $columns and $structure of its
-- columns; $writer, as claimed with sql/ledger/claim.sql. The data follows in Native format.
-- One row of a partition that another writer has claimed since and the whole block is refused with
-- code 395: whoever was frozen in mid work cannot add rows that its successor wrote already.
INSERT INTO $table ($columns)
SELECT $columns
FROM input('$structure')
WHERE throwIf(
    (topic, partition) NOT IN
    (
        SELECT topic, partition
        FROM writers
        GROUP BY topic, partition
        HAVING argMax(writer, (turn, writer)) = '$writer'
    ),
    'superseded'
) = 0
FORMAT Native
