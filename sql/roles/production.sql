-- Users and roles for a real ClickHouse server: `gridwhistle migrate --roles`, once, as an
-- administrator with ACCESS MANAGEMENT. Repeatable: a second run sets passwords and limits again.
-- The embedded store has the same users built in (ops/store/access.py), with the same limits.
--
-- Parameters: writer_password, wall_password, reports_password (String).
-- Limits: seconds, bytes, rows. CONST means the user can neither raise nor lower them.

CREATE SETTINGS PROFILE IF NOT EXISTS gridwhistle_writer;

-- What must never be lost in silence, whatever a client sends.
ALTER SETTINGS PROFILE gridwhistle_writer SETTINGS
    async_insert = 0 CONST,
    insert_deduplicate = 1,
    deduplicate_blocks_in_dependent_materialized_views = 1 CONST,
    materialized_views_ignore_errors = 0 CONST,
    input_format_skip_unknown_fields = 0,
    input_format_null_as_default = 0;

CREATE SETTINGS PROFILE IF NOT EXISTS gridwhistle_wall;

ALTER SETTINGS PROFILE gridwhistle_wall SETTINGS
    readonly = 1 CONST,
    max_execution_time = 10 CONST,
    max_memory_usage = 1073741824 CONST,
    max_result_rows = 200000 CONST,
    max_result_bytes = 268435456 CONST,
    result_overflow_mode = 'throw' CONST;

CREATE SETTINGS PROFILE IF NOT EXISTS gridwhistle_reports;

ALTER SETTINGS PROFILE gridwhistle_reports SETTINGS
    readonly = 1 CONST,
    max_execution_time = 300 CONST,
    max_memory_usage = 4294967296 CONST,
    max_result_rows = 20000000 CONST,
    max_result_bytes = 2147483648 CONST,
    result_overflow_mode = 'throw' CONST;

CREATE ROLE IF NOT EXISTS gridwhistle_writer_role;

CREATE ROLE IF NOT EXISTS gridwhistle_reader_role;

-- The writer inserts and reads back what it has written; only an administrator changes tables.
GRANT SELECT, INSERT, dictGet ON gridwhistle.* TO gridwhistle_writer_role;

-- A worker that takes partitions over waits for the inserts that are running.
GRANT SELECT ON system.processes TO gridwhistle_writer_role;

GRANT SELECT, dictGet ON gridwhistle.* TO gridwhistle_reader_role;

CREATE USER IF NOT EXISTS writer;

ALTER USER writer IDENTIFIED WITH sha256_password BY {writer_password:String}
    DEFAULT DATABASE gridwhistle
    SETTINGS PROFILE gridwhistle_writer;

CREATE USER IF NOT EXISTS wall;

ALTER USER wall IDENTIFIED WITH sha256_password BY {wall_password:String}
    DEFAULT DATABASE gridwhistle
    SETTINGS PROFILE gridwhistle_wall;

CREATE USER IF NOT EXISTS reports;

ALTER USER reports IDENTIFIED WITH sha256_password BY {reports_password:String}
    DEFAULT DATABASE gridwhistle
    SETTINGS PROFILE gridwhistle_reports;

GRANT gridwhistle_writer_role TO writer;

GRANT gridwhistle_reader_role TO wall, reports;

ALTER USER writer DEFAULT ROLE gridwhistle_writer_role;

ALTER USER wall DEFAULT ROLE gridwhistle_reader_role;

ALTER USER reports DEFAULT ROLE gridwhistle_reader_role;
