-- schema.sql - the tables of schema pgrmon, version 3.
--
-- Run in one transaction by `pgrmon primary register`, as an ordinary role that has
-- CREATE on the database and becomes the owner; functions.sql and views.sql follow in
-- the same transaction. PostgreSQL 13 to 18, no extension. Text limits are in bytes:
-- the programs hold names in 64 bytes.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE SCHEMA pgrmon;
COMMENT ON SCHEMA pgrmon IS 'metadata of pgrmon, the failover monitor';

CREATE TABLE pgrmon.schema_version (
    version        integer NOT NULL CHECK (version > 0),
    pgrmon_version text NOT NULL,
    installed_at   timestamptz NOT NULL DEFAULT now(),
    upgraded_at    timestamptz
);
CREATE UNIQUE INDEX schema_version_one_row ON pgrmon.schema_version ((true));
COMMENT ON TABLE pgrmon.schema_version IS 'version of this schema; always one row';
COMMENT ON COLUMN pgrmon.schema_version.pgrmon_version
    IS 'version of the program that installed or last upgraded the schema';

INSERT INTO pgrmon.schema_version (version, pgrmon_version)
VALUES (3, '@PGRMON_VERSION@');

CREATE TABLE pgrmon.node (
    node_id          integer PRIMARY KEY CHECK (node_id > 0),
    node_name        text NOT NULL UNIQUE
                     CHECK (octet_length(node_name) BETWEEN 1 AND 63),
    type             text NOT NULL CHECK (type IN ('primary', 'standby', 'witness')),
    upstream_node_id integer REFERENCES pgrmon.node (node_id) DEFERRABLE,
    active           boolean NOT NULL DEFAULT true,
    voting           boolean NOT NULL DEFAULT true,
    location         text NOT NULL DEFAULT 'default'
                     CHECK (octet_length(location) < 64),
    priority         integer NOT NULL DEFAULT 100 CHECK (priority >= 0),
    conninfo         text NOT NULL CHECK (conninfo <> '' OR type = 'witness'),
    repluser         text NOT NULL DEFAULT '' CHECK (octet_length(repluser) < 64),
    slot_name        text CHECK (octet_length(slot_name) BETWEEN 1 AND 63),
    config_file      text NOT NULL DEFAULT '',
    registered_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT node_not_its_own_upstream CHECK (upstream_node_id <> node_id),
    -- Deferred: a promotion may swap the roles in any order within its transaction.
    CONSTRAINT node_one_active_primary EXCLUDE (type WITH =)
        WHERE (type = 'primary' AND active) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX node_upstream ON pgrmon.node (upstream_node_id);
COMMENT ON TABLE pgrmon.node IS 'the registered nodes of the cluster';
COMMENT ON COLUMN pgrmon.node.type
    IS 'role as registered; a failed primary keeps its type and is no longer active';
COMMENT ON COLUMN pgrmon.node.upstream_node_id
    IS 'node that this one streams from; NULL for a primary';
COMMENT ON COLUMN pgrmon.node.active
    IS 'false: failed or taken out; neither asked nor counted';
COMMENT ON COLUMN pgrmon.node.voting
    IS 'counts for the majority that allows a failover';
COMMENT ON COLUMN pgrmon.node.location IS 'free text, such as a data centre';
COMMENT ON COLUMN pgrmon.node.priority
    IS 'the higher is promoted first among equals; 0 is never promoted';
COMMENT ON COLUMN pgrmon.node.conninfo
    IS 'how the other nodes connect to this one; keep passwords in a password file';
COMMENT ON COLUMN pgrmon.node.repluser
    IS 'role that this node''s standby connects with';
COMMENT ON COLUMN pgrmon.node.slot_name
    IS 'replication slot that this node uses on its upstream; NULL for none';
COMMENT ON COLUMN pgrmon.node.config_file
    IS 'configuration file of pgrmon on the node''s own host';

-- Who votes is decided one change at a time: every voter keeps the version that it knows
-- in its own file and quotes it in its notes. Above all versions of earlier terms.
CREATE TABLE pgrmon.membership (
    version    bigint NOT NULL CHECK (version BETWEEN 0 AND 1099511627775),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX membership_one_row ON pgrmon.membership ((true));
COMMENT ON TABLE pgrmon.membership IS 'version of the set of voters; always one row';

INSERT INTO pgrmon.membership (version) VALUES (0);

-- A pause is a promise of the voters, each in its own file; this is only the wish.
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

-- Updated in place once a beat by every daemon: room on the page keeps that HOT.
CREATE TABLE pgrmon.node_state (
    node_id          integer PRIMARY KEY REFERENCES pgrmon.node (node_id)
                     ON DELETE CASCADE,
    state            text NOT NULL,
    reason           text NOT NULL DEFAULT '',
    upstream_node_id integer,
    primary_node_id  integer,
    term             bigint,
    timeline         integer,
    lsn              pg_lsn,
    lag              bigint,
    daemon_version   text,
    daemon_pid       integer,
    updated_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE pgrmon.node_state
    IS 'what each node''s daemon last reported of itself';
COMMENT ON COLUMN pgrmon.node_state.state
    IS 'starting, primary, standby, suspecting, electing, promoting or following';
COMMENT ON COLUMN pgrmon.node_state.reason IS 'why the daemon is in this state';
COMMENT ON COLUMN pgrmon.node_state.upstream_node_id
    IS 'node that it really streams from; NULL when it does not stream';
COMMENT ON COLUMN pgrmon.node_state.primary_node_id
    IS 'node that the daemon believes to lead';
COMMENT ON COLUMN pgrmon.node_state.lsn
    IS 'primary: end of its WAL; standby: last position received or replayed';
COMMENT ON COLUMN pgrmon.node_state.lag IS 'bytes behind the primary';
COMMENT ON COLUMN pgrmon.node_state.updated_at
    IS 'when this was reported; a daemon that does not run leaves it old';

-- Not tied to pgrmon.node: history outlives the registration of a node.
CREATE TABLE pgrmon.term (
    term            bigint PRIMARY KEY CHECK (term > 0),
    leader          integer NOT NULL,
    leader_name     text NOT NULL,
    timeline        integer NOT NULL CHECK (timeline > 0),
    start_lsn       pg_lsn NOT NULL,
    reason          text NOT NULL,
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    previous_leader integer
);
COMMENT ON TABLE pgrmon.term IS 'who led from when, and why; one row per regime';
COMMENT ON COLUMN pgrmon.term.term
    IS 'number of the regime; unlike a timeline it is never given twice';
COMMENT ON COLUMN pgrmon.term.leader IS 'node_id of the primary of this term';
COMMENT ON COLUMN pgrmon.term.start_lsn IS 'where its WAL begins, or was when recorded';
COMMENT ON COLUMN pgrmon.term.previous_leader IS 'leader of the term before';

CREATE TABLE pgrmon.event (
    event_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id         integer NOT NULL,
    event           text NOT NULL,
    successful      boolean NOT NULL DEFAULT true,
    event_timestamp timestamptz NOT NULL DEFAULT now(),
    details         text NOT NULL DEFAULT ''
);
CREATE INDEX event_by_time ON pgrmon.event (event_timestamp, event_id);
COMMENT ON TABLE pgrmon.event IS 'what happened; outlives the registration of a node';
COMMENT ON COLUMN pgrmon.event.event_timestamp
    IS 'when it happened; rows from a daemon''s journal arrive later';

CREATE TABLE pgrmon.request (
    request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    node_id      integer NOT NULL,
    parameters   jsonb NOT NULL DEFAULT '{}',
    requested_by text NOT NULL DEFAULT session_user,
    created_at   timestamptz NOT NULL DEFAULT now(),
    deadline     timestamptz NOT NULL,
    phase        text NOT NULL DEFAULT 'requested',
    outcome      text CHECK (outcome IN ('done', 'failed', 'cancelled', 'expired')),
    steps        jsonb NOT NULL DEFAULT '[]',
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX request_open ON pgrmon.request (request_id) WHERE outcome IS NULL;
COMMENT ON TABLE pgrmon.request IS 'work that the CLI asks of the daemons';
COMMENT ON COLUMN pgrmon.request.kind IS 'what is asked for, such as switchover';
COMMENT ON COLUMN pgrmon.request.node_id IS 'node whose daemon acts';
COMMENT ON COLUMN pgrmon.request.requested_by IS 'who asked';
COMMENT ON COLUMN pgrmon.request.deadline IS 'not begun or continued after this';
COMMENT ON COLUMN pgrmon.request.phase IS 'recorded before it is acted on';
COMMENT ON COLUMN pgrmon.request.outcome IS 'NULL until it ended';
COMMENT ON COLUMN pgrmon.request.steps IS 'what was done so far, an array of objects';

CREATE TABLE pgrmon.monitoring_history (
    primary_node_id           integer NOT NULL,
    standby_node_id           integer NOT NULL,
    last_monitor_time         timestamptz NOT NULL DEFAULT now(),
    last_apply_time           timestamptz,
    last_wal_primary_location pg_lsn NOT NULL,
    last_wal_standby_location pg_lsn,
    replication_lag           bigint NOT NULL,
    apply_lag                 bigint NOT NULL
);
CREATE INDEX monitoring_history_by_time
    ON pgrmon.monitoring_history (last_monitor_time);
CREATE INDEX monitoring_history_by_standby
    ON pgrmon.monitoring_history (standby_node_id, last_monitor_time DESC);
COMMENT ON TABLE pgrmon.monitoring_history
    IS 'lag of every standby over time, when monitoring_history is on';
COMMENT ON COLUMN pgrmon.monitoring_history.last_apply_time
    IS 'commit time of the last transaction replayed; NULL when none was';
COMMENT ON COLUMN pgrmon.monitoring_history.replication_lag
    IS 'bytes that the standby had not received';
COMMENT ON COLUMN pgrmon.monitoring_history.apply_lag
    IS 'bytes received and not replayed';
