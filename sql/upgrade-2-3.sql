-- upgrade-2-3.sql - from version 2 to 3: the pause that is wished for.
-- functions.sql and views.sql follow in the same transaction.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE pgrmon.pause (
    version      bigint NOT NULL CHECK (version BETWEEN 0 AND 72057594037927935),
    duration_ms  bigint NOT NULL CHECK (duration_ms >= 0),
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL DEFAULT session_user
);
CREATE UNIQUE INDEX pause_one_row ON pgrmon.pause ((true));
COMMENT ON TABLE pgrmon.pause
    IS 'the pause that is wished for; always one row. Only the voters can grant it';
COMMENT ON COLUMN pgrmon.pause.version IS 'rises with each wish, and is never given twice';
COMMENT ON COLUMN pgrmon.pause.duration_ms IS '0: no pause any more';

INSERT INTO pgrmon.pause (version, duration_ms) VALUES (0, 0);

UPDATE pgrmon.schema_version
SET version = 3, pgrmon_version = '@PGRMON_VERSION@', upgraded_at = now();
