-- The store's own time, epoch milliseconds.
SELECT toUnixTimestamp64Milli(now64(3))
