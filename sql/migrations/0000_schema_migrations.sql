-- Which migrations this database has seen. Written by `gridwhistle migrate`, one row a file.
-- version: the file's number. sha256: of the file, line ends as \n. statements: how many it holds.
-- Two runners at once may write a row twice; the engine keeps the later one.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    sha256     String,
    applied_at DateTime64(3, 'UTC'),
    statements UInt32
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version;
