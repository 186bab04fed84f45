-- grants.sql - the least that pgrmon's role needs, beyond owning its schema.
--
-- Once per cluster, on the primary, as a superuser, connected to pgrmon's database:
--
--     psql -v role=pgrmon -d pgrmon -f grants.sql
--
-- Creates the role if it is missing (give it a password or a certificate yourself).
-- PostgreSQL 15 and later need no superuser for anything that pgrmon does. On 13 and 14
-- ALTER SYSTEM and CHECKPOINT cannot be granted: either ALTER ROLE ... SUPERUSER, or
-- set primary_conninfo, primary_slot_name and restore_command by hand on every change.

\set ON_ERROR_STOP on
\if :{?role}
\else
\set role pgrmon
\endif
SELECT current_setting('server_version_num')::int >= 150000 AS from_15,
       current_setting('server_version_num')::int >= 160000 AS from_16,
       current_database() AS database \gset

BEGIN;

SELECT format('CREATE ROLE %I LOGIN REPLICATION', :'role')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') \gexec

-- Standbys stream as this role, and it makes their slots.
ALTER ROLE :"role" REPLICATION;

-- The schema, created by `pgrmon primary register`.
GRANT CREATE ON DATABASE :"database" TO :"role";

-- Reading settings, walsenders, the walreceiver and the archive's state; ending readers
-- that block a promotion.
GRANT pg_monitor, pg_signal_backend TO :"role";

-- Promoting and reloading.
GRANT EXECUTE ON FUNCTION
    pg_catalog.pg_promote(boolean, integer), pg_catalog.pg_reload_conf() TO :"role";

-- pg_rewind, connected to this database.
GRANT EXECUTE ON FUNCTION
    pg_catalog.pg_ls_dir(text, boolean, boolean),
    pg_catalog.pg_stat_file(text, boolean),
    pg_catalog.pg_read_binary_file(text),
    pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO :"role";

-- Finding mistakes in pg_hba.conf and the configuration files.
GRANT SELECT ON pg_catalog.pg_hba_file_rules, pg_catalog.pg_file_settings TO :"role";
GRANT EXECUTE ON FUNCTION
    pg_catalog.pg_hba_file_rules(), pg_catalog.pg_show_all_file_settings() TO :"role";

\if :from_15
GRANT pg_checkpoint TO :"role";

-- Pointing a standby at another upstream.
GRANT ALTER SYSTEM ON PARAMETER
    primary_conninfo, primary_slot_name, restore_command, synchronous_standby_names
    TO :"role";

-- Notes are posted once a beat: keep them out of the server's log.
GRANT SET ON PARAMETER log_min_duration_statement, log_statement, log_duration
    TO :"role";
\else
\echo NOTICE: before PostgreSQL 15 ALTER SYSTEM and CHECKPOINT are for superusers only
\endif

\if :from_16
-- A daemon gets in when ordinary connections are used up.
GRANT pg_use_reserved_connections TO :"role";
\endif

COMMIT;
