-- upgrade-1-2.sql - from version 1 (pgrmon 0.1) to 2: the version of the membership.
-- functions.sql and views.sql follow in the same transaction.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE pgrmon.membership (
    version    bigint NOT NULL CHECK (version BETWEEN 0 AND 1099511627775),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX membership_one_row ON pgrmon.membership ((true));
COMMENT ON TABLE pgrmon.membership IS 'version of the set of voters; always one row';

INSERT INTO pgrmon.membership (version) VALUES (1);

UPDATE pgrmon.schema_version
SET version = 2, pgrmon_version = '@PGRMON_VERSION@', upgraded_at = now();
