"""What the broker answers, by subject: records, topics, groups, transactions."""
