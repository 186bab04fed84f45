-- functions.sql - the functions of schema pgrmon, version 3.
--
-- Run after schema.sql and after each upgrade, in the same transaction. Plain SQL, so
-- that nothing depends on an installed language; names are qualified and search_path is
-- fixed.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE OR REPLACE FUNCTION pgrmon.record_promotion(
    new_leader integer,
    reason text,
    timeline integer DEFAULT NULL,
    start_lsn pg_lsn DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
    -- CLI and daemon may record the same promotion at once: the second one waits here
    -- and then sees the first one's row. Readers are not blocked.
    LOCK TABLE pgrmon.term IN SHARE ROW EXCLUSIVE MODE;

    WITH world AS (
        SELECT coalesce($3,
                        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
                            ::bit(32)::int) AS timeline,
               coalesce($4, pg_current_wal_lsn()) AS start_lsn
    ), latest AS (
        SELECT t.term, t.leader, t.timeline FROM pgrmon.term t
        ORDER BY t.term DESC LIMIT 1
    ), inserted AS (
        INSERT INTO pgrmon.term
            (term, leader, leader_name, timeline, start_lsn, reason, previous_leader)
        SELECT coalesce(l.term, 0) + 1, n.node_id, n.node_name, w.timeline, w.start_lsn,
               $2, l.leader
        FROM pgrmon.node n CROSS JOIN world w LEFT JOIN latest l ON true
        WHERE n.node_id = $1
          AND (l.leader, l.timeline) IS DISTINCT FROM (n.node_id, w.timeline)
        RETURNING term
    ), roles AS (
        -- The old primary keeps its type, so that people see what it was. Records that
        -- have it as upstream are left alone: their nodes update them once they follow.
        UPDATE pgrmon.node n
        SET type = 'primary',
            active = (n.node_id = $1),
            upstream_node_id = CASE WHEN n.node_id <> $1 THEN n.upstream_node_id END
        WHERE EXISTS (SELECT FROM pgrmon.node k WHERE k.node_id = $1)
          AND (n.node_id = $1
                 AND (n.type, n.active, n.upstream_node_id)
                     IS DISTINCT FROM ('primary', true, NULL::integer)
               OR n.node_id <> $1 AND n.type = 'primary' AND n.active)
    )
    SELECT coalesce((SELECT i.term FROM inserted i),
                    (SELECT l.term FROM latest l WHERE l.leader = $1));
$function$;

CREATE OR REPLACE FUNCTION pgrmon.record_lead(
    new_leader integer,
    new_term bigint,
    reason text)
RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
    LOCK TABLE pgrmon.term IN SHARE ROW EXCLUSIVE MODE;

    WITH world AS (
        SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
                   AS timeline,
               pg_current_wal_lsn() AS start_lsn
    ), latest AS (
        SELECT t.term, t.leader FROM pgrmon.term t ORDER BY t.term DESC LIMIT 1
    ), inserted AS (
        INSERT INTO pgrmon.term
            (term, leader, leader_name, timeline, start_lsn, reason, previous_leader)
        SELECT $2, n.node_id, n.node_name, w.timeline, w.start_lsn, $3, l.leader
        FROM pgrmon.node n CROSS JOIN world w LEFT JOIN latest l ON true
        WHERE n.node_id = $1 AND coalesce(l.term, 0) < $2
        RETURNING term
    ), roles AS (
        UPDATE pgrmon.node n
        SET type = 'primary',
            active = (n.node_id = $1),
            upstream_node_id = CASE WHEN n.node_id <> $1 THEN n.upstream_node_id END
        WHERE EXISTS (SELECT FROM pgrmon.node k WHERE k.node_id = $1)
          AND (n.node_id = $1
                 AND (n.type, n.active, n.upstream_node_id)
                     IS DISTINCT FROM ('primary', true, NULL::integer)
               OR n.node_id <> $1 AND n.type = 'primary' AND n.active)
    )
    SELECT coalesce((SELECT i.term FROM inserted i),
                    (SELECT l.term FROM latest l WHERE l.leader = $1));
$function$;

COMMENT ON FUNCTION pgrmon.record_lead(integer, bigint, text) IS
    'record that a node leads in a term that it won; returns the newest term if that '
    'node leads it, so a result other than the term asked for means: not recorded';

COMMENT ON FUNCTION pgrmon.record_promotion(integer, text, integer, pg_lsn) IS
    'record that a node leads from now on: a new term, its own record, the record of '
    'the old primary. Returns the term; NULL when the node is not registered. '
    'Recording it again on the same timeline changes nothing. Timeline and start '
    'default to the present';
