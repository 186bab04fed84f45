-- views.sql - what an operator asks in psql. Run after functions.sql and each upgrade.

SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning; -- silence for "does not exist, skipping"

DROP VIEW IF EXISTS pgrmon.show_nodes, pgrmon.replication_status, pgrmon.current_leader,
    pgrmon.recent_events, pgrmon.history;

CREATE VIEW pgrmon.show_nodes AS
SELECT n.node_id, n.node_name, n.active, n.upstream_node_id,
       u.node_name AS upstream_node_name, n.type, n.priority, n.conninfo,
       n.location, n.voting
FROM pgrmon.node n
LEFT JOIN pgrmon.node u ON u.node_id = n.upstream_node_id
ORDER BY n.node_id;
COMMENT ON VIEW pgrmon.show_nodes
    IS 'the registered nodes with the names of their upstreams';

CREATE VIEW pgrmon.replication_status AS
SELECT h.primary_node_id, n.node_id AS standby_node_id, n.node_name AS standby_name,
       n.type AS node_type, n.active, h.last_monitor_time,
       h.last_wal_primary_location, h.last_wal_standby_location,
       pg_size_pretty(h.replication_lag) AS replication_lag,
       CASE WHEN h.replication_lag > 0
            THEN date_trunc('milliseconds', now() - h.last_apply_time)
            ELSE '0'::interval END AS replication_time_lag,
       pg_size_pretty(h.apply_lag) AS apply_lag,
       date_trunc('milliseconds', now() - h.last_monitor_time)
           AS communication_time_lag,
       s.state, s.reason, pg_size_pretty(s.lag) AS lag_now,
       date_trunc('milliseconds', now() - s.updated_at) AS state_age
FROM pgrmon.node n
LEFT JOIN pgrmon.node_state s ON s.node_id = n.node_id
LEFT JOIN LATERAL (
    SELECT * FROM pgrmon.monitoring_history m
    WHERE m.standby_node_id = n.node_id
    ORDER BY m.last_monitor_time DESC LIMIT 1) h ON true
WHERE n.type = 'standby'
ORDER BY n.node_id;
COMMENT ON VIEW pgrmon.replication_status IS
    'how far behind each standby is: its newest row of the history, then what its '
    'daemon says now';
COMMENT ON COLUMN pgrmon.replication_status.communication_time_lag
    IS 'age of the newest row of the history';
COMMENT ON COLUMN pgrmon.replication_status.state_age
    IS 'age of the daemon''s last report; grows when it does not run';

CREATE VIEW pgrmon.current_leader AS
SELECT t.leader AS node_id, t.leader_name AS node_name, t.term, t.timeline, t.start_lsn,
       t.reason, t.started_at, date_trunc('seconds', now() - t.started_at) AS leads_for,
       n.conninfo
FROM pgrmon.term t
LEFT JOIN pgrmon.node n ON n.node_id = t.leader
ORDER BY t.term DESC LIMIT 1;
COMMENT ON VIEW pgrmon.current_leader IS
    'who leads, as far as this copy of the metadata knows';

CREATE VIEW pgrmon.recent_events AS
SELECT e.event_id, e.event_timestamp, e.node_id, n.node_name, e.event, e.successful,
       e.details
FROM pgrmon.event e
LEFT JOIN pgrmon.node n ON n.node_id = e.node_id
ORDER BY e.event_timestamp DESC, e.event_id DESC LIMIT 50;
COMMENT ON VIEW pgrmon.recent_events IS 'the newest 50 events, newest first';

CREATE VIEW pgrmon.history AS
SELECT t.term, t.leader AS node_id, t.leader_name AS node_name, t.timeline, t.start_lsn,
       t.reason, t.started_at,
       lead(t.started_at) OVER later AS ended_at,
       date_trunc('seconds', coalesce(lead(t.started_at) OVER later, now())
                             - t.started_at) AS duration,
       t.previous_leader
FROM pgrmon.term t
WINDOW later AS (ORDER BY t.term)
ORDER BY t.term DESC;
COMMENT ON VIEW pgrmon.history IS 'who led from when to when, newest first';
COMMENT ON COLUMN pgrmon.history.ended_at
    IS 'start of the next term; NULL while it lasts';
