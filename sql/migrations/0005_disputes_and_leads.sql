-- Disputes and leads: what their figures need of a change and of a case. Rows written before have it read
-- from their body.
--   field             field of a dispute (disputes.tsv); '' = no dispute
--   agreement_due_ms  when the last obligation of the agreement falls due, epoch ms UTC; 0 = none
--   batch             batch of leads a lead was pushed down with; '' = no lead
--   hazard            what the check of a lead found: 1 a hazard, 0 nothing, -1 not this change
ALTER TABLE case_changes
    ADD COLUMN IF NOT EXISTS field LowCardinality(String)
        DEFAULT JSONExtractString(body, 'case', 'field'),
    ADD COLUMN IF NOT EXISTS agreement_due_ms Int64
        DEFAULT arrayMax(arrayMap(
            d -> toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(d.due, 3, 'UTC')),
            JSONExtract(body, 'case', 'obligations', 'Array(Tuple(due String))'))),
    ADD COLUMN IF NOT EXISTS batch LowCardinality(String)
        DEFAULT JSONExtractString(body, 'case', 'batch'),
    ADD COLUMN IF NOT EXISTS hazard Int8
        DEFAULT if(move = 'check', if(state = 'signed', 1, 0), -1);
ALTER TABLE cases
    ADD COLUMN IF NOT EXISTS field LowCardinality(String) DEFAULT JSONExtractString(body, 'field'),
    ADD COLUMN IF NOT EXISTS batch LowCardinality(String) DEFAULT JSONExtractString(body, 'batch');
