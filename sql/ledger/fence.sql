-- Up to which offset does a table hold a partition? -1 when it holds nothing of it.
-- {table} table name; {topic}; {partition}. Answered from the projection `fence`.
SELECT if(count() = 0, -1, max(offset)) AS fence
FROM {table:Identifier}
WHERE topic = {topic:String} AND partition = {partition:UInt16}
