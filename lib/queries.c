/* queries.c - the texts. What they take and give is documented in queries.h.
 *
 * Whether a server is in recovery is asked once per statement and decides everything
 * else in it: functions of the other role would fail, and a promotion may fall in
 * between. SQL is written with no search_path in mind but pg_catalog. */
#include "queries.h"

#include <stddef.h>

/* Laid out by hand: the formatter does not know SQL. */
/* clang-format off */

#define QUERY(query_name, params, query_text)                                          \
    const struct query query_##query_name = {                                          \
        .name = #query_name,                                                           \
        .text = (query_text),                                                          \
        .n_params = (params),                                                          \
        .min_version = 130000,                                                         \
    }

/* FROM this, the column `standby` says whether the server is in recovery. */
#define ROLE "(SELECT pg_is_in_recovery() AS standby) role "

/* The timeline being written, or the highest that a standby knows to be in its WAL: its
 * control file lags behind what its walreceiver is told. */
#define TIMELINE                                                                       \
    "CASE WHEN standby THEN greatest("                                                 \
    "(SELECT timeline_id FROM pg_control_checkpoint()), "                              \
    "(SELECT min_recovery_end_timeline FROM pg_control_recovery()), "                  \
    "(SELECT received_tli FROM pg_stat_wal_receiver)) "                                \
    "ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))"                \
    "::bit(32)::int END "

/* What is safe here: on disk (postgres-facts 3). */
#define POSITION                                                                       \
    "CASE WHEN standby "                                                               \
    "THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) "              \
    "ELSE pg_current_wal_flush_lsn() END "

#define REPLAYED "CASE WHEN standby THEN pg_last_wal_replay_lsn() END "

#define PAUSED "CASE WHEN standby THEN pg_is_wal_replay_paused() ELSE false END "

#define SYSTEM_IDENTIFIER "(SELECT system_identifier FROM pg_control_system()) "

/* A setting, or NULL when the role may not read it (current_setting() would fail). */
#define SETTING(setting_name)                                                          \
    "(SELECT setting FROM pg_settings WHERE name = '" setting_name "') "

/* How many standbys confirm a commit: "ANY 2 (...)", "FIRST 2 (...)", "2 (...)", a bare
 * list is "FIRST 1" (manual section 20.6.2). */
#define COPIES                                                                         \
    "(SELECT CASE WHEN names = '' THEN 0 ELSE coalesce((regexp_match(names, "          \
    "'^(?:first|any)?\\s*(\\d+)\\s*\\(', 'i'))[1]::int, 1) END "                       \
    "FROM (SELECT trim(current_setting('synchronous_standby_names')) AS names) s) "

#define LOCAL_TIME(expression) "to_char(" expression ", 'YYYY-MM-DD HH24:MI:SS') "
#define UTC_TIME(expression)                                                           \
    "to_char((" expression ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') "
#define MS_SINCE(expression)                                                           \
    "(extract(epoch FROM clock_timestamp() - " expression ") * 1000)::bigint "

/* ---- metadata ------------------------------------------------------------------ */

QUERY(schema_state, 0,
      "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgrmon'), "
      "EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
      "WHERE s.nspname = 'pgrmon' AND c.relname = 'schema_version'), "
      "has_database_privilege(current_database(), 'CREATE')");

QUERY(schema_version, 0,
      "SELECT version, pgrmon_version, "
      LOCAL_TIME("installed_at") ", "
      LOCAL_TIME("upgraded_at")
      "FROM pgrmon.schema_version");

QUERY(nodes, 0,
      "SELECT node_id, node_name, type, upstream_node_id, active, voting, location, "
      "priority, conninfo, repluser, slot_name, config_file, "
      "(SELECT version FROM pgrmon.membership), pause.version, pause.duration_ms "
      "FROM pgrmon.node LEFT JOIN pgrmon.pause ON true ORDER BY node_id");

/* M1: who votes has changed. Above every version that an earlier term has given. */
#define NEXT_MEMBERSHIP(condition)                                                     \
    "WITH changed AS (UPDATE pgrmon.membership SET changed_at = now(), "               \
    "version = greatest(version + 1, "                                                 \
    "(SELECT coalesce(max(term), 0) * 256 FROM pgrmon.term)) WHERE " condition ") "

QUERY(membership_lock, 0, "SELECT version FROM pgrmon.membership FOR UPDATE");

QUERY(membership_raise, 1,
      "UPDATE pgrmon.membership SET changed_at = now(), "
      "version = greatest($1::bigint + 1, "
      "(SELECT coalesce(max(term), 0) * 256 FROM pgrmon.term)) "
      "WHERE version < $1::bigint");

QUERY(node_upsert, 12,
      NEXT_MEMBERSHIP("NOT EXISTS (SELECT FROM pgrmon.node "
                      "WHERE node_id = $1::int AND voting = $6::bool)")
      "INSERT INTO pgrmon.node AS n (node_id, node_name, type, upstream_node_id, "
      "active, voting, location, priority, conninfo, repluser, slot_name, config_file) "
      "VALUES ($1::int, $2, $3, nullif($4::int, 0), $5::bool, $6::bool, $7, $8::int, "
      "$9, $10, nullif($11, ''), $12) "
      "ON CONFLICT (node_id) DO UPDATE SET node_name = excluded.node_name, "
      "type = excluded.type, upstream_node_id = excluded.upstream_node_id, "
      "active = excluded.active, voting = excluded.voting, "
      "location = excluded.location, priority = excluded.priority, "
      "conninfo = excluded.conninfo, repluser = excluded.repluser, "
      "slot_name = excluded.slot_name, config_file = excluded.config_file, "
      "registered_at = now()");

QUERY(node_delete, 1,
      NEXT_MEMBERSHIP("EXISTS (SELECT FROM pgrmon.node "
                      "WHERE node_id = $1::int AND voting)")
      "DELETE FROM pgrmon.node WHERE node_id = $1::int");

QUERY(node_set_active, 2,
      "UPDATE pgrmon.node SET active = $2::bool WHERE node_id = $1::int");

QUERY(node_set_voting, 2,
      NEXT_MEMBERSHIP("EXISTS (SELECT FROM pgrmon.node "
                      "WHERE node_id = $1::int AND voting <> $2::bool)")
      "UPDATE pgrmon.node SET voting = $2::bool WHERE node_id = $1::int");

/* M3. Above every version that an earlier regime has given: rows of its end may be lost
 * where its notes were not. */
QUERY(pause_set, 1,
      "UPDATE pgrmon.pause SET duration_ms = $1::bigint, requested_at = now(), "
      "requested_by = session_user, version = greatest(version + 1, "
      "(SELECT coalesce(max(term), 0) * 4096 FROM pgrmon.term)) RETURNING version");

QUERY(pause, 0,
      "SELECT version, duration_ms, requested_by, "
      LOCAL_TIME("requested_at") ", "
      LOCAL_TIME("requested_at + duration_ms * interval '1 millisecond'") ", "
      "(extract(epoch FROM requested_at - clock_timestamp()) * 1000)::bigint "
      "+ duration_ms "
      "FROM pgrmon.pause");

QUERY(node_set_upstream, 2,
      "UPDATE pgrmon.node SET upstream_node_id = nullif($2::int, 0), active = true, "
      "type = CASE type WHEN 'witness' THEN type ELSE 'standby' END "
      "WHERE node_id = $1::int");

QUERY(node_set_slot, 2,
      "UPDATE pgrmon.node SET slot_name = nullif($2, '') WHERE node_id = $1::int");

QUERY(record_promotion, 4,
      "SELECT pgrmon.record_promotion($1::int, $2::text, $3::int, $4::pg_lsn)");

QUERY(record_lead, 3,
      "SELECT pgrmon.record_lead($1::int, $2::bigint, $3::text)");

QUERY(terms, 1,
      "SELECT term, leader, leader_name, timeline, start_lsn, reason, "
      LOCAL_TIME("started_at") ", previous_leader "
      "FROM pgrmon.term ORDER BY term DESC LIMIT $1::bigint");

QUERY(term_rows, 0,
      "SELECT term, leader, timeline, start_lsn FROM pgrmon.term ORDER BY term");

QUERY(record_event, 5,
      "INSERT INTO pgrmon.event "
      "(node_id, event, successful, details, event_timestamp) "
      "VALUES ($1::int, $2, $3::bool, $4, coalesce($5::timestamptz, now())) "
      "RETURNING event_id, " LOCAL_TIME("event_timestamp"));

QUERY(events, 4,
      "SELECT e.event_id, e.node_id, n.node_name, e.event, e.successful, "
      LOCAL_TIME("e.event_timestamp") ", e.details, "
      UTC_TIME("e.event_timestamp")
      "FROM pgrmon.event e LEFT JOIN pgrmon.node n ON n.node_id = e.node_id "
      "WHERE ($2::int IS NULL OR e.node_id = $2::int) "
      "AND ($3::text IS NULL OR n.node_name = $3::text) "
      "AND ($4::text IS NULL OR e.event = $4::text) "
      "ORDER BY e.event_timestamp DESC, e.event_id DESC LIMIT $1::bigint");

/* From the node's row, so that a node that was just unregistered is no error. This runs
 * on the primary, which knows best where its WAL ends. */
QUERY(record_state, 11,
      "INSERT INTO pgrmon.node_state (node_id, state, reason, upstream_node_id, "
      "primary_node_id, term, timeline, lsn, lag, daemon_version, daemon_pid) "
      "SELECT n.node_id, $2, $3, $4::int, $5::int, $6::bigint, $7::int, $8::pg_lsn, "
      "coalesce($9::bigint, CASE WHEN $5::int IS DISTINCT FROM n.node_id "
      "THEN greatest(0, (pg_current_wal_lsn() - $8::pg_lsn)::bigint) END), "
      "$10, $11::int FROM pgrmon.node n WHERE n.node_id = $1::int "
      "ON CONFLICT (node_id) DO UPDATE SET state = excluded.state, "
      "reason = excluded.reason, upstream_node_id = excluded.upstream_node_id, "
      "primary_node_id = excluded.primary_node_id, term = excluded.term, "
      "timeline = excluded.timeline, lsn = excluded.lsn, lag = excluded.lag, "
      "daemon_version = excluded.daemon_version, daemon_pid = excluded.daemon_pid, "
      "updated_at = now()");

QUERY(states, 0,
      "SELECT node_id, state, reason, upstream_node_id, primary_node_id, term, "
      "timeline, lsn, lag, daemon_version, daemon_pid, "
      MS_SINCE("updated_at")
      "FROM pgrmon.node_state ORDER BY node_id");

QUERY(record_history, 6,
      "INSERT INTO pgrmon.monitoring_history (primary_node_id, standby_node_id, "
      "last_apply_time, last_wal_primary_location, last_wal_standby_location, "
      "replication_lag, apply_lag) "
      "SELECT $1::int, $2::int, $3::timestamptz, p.lsn, $5::pg_lsn, "
      "greatest(0, coalesce((p.lsn - $5::pg_lsn)::bigint, 0)), "
      "greatest(0, coalesce(($5::pg_lsn - $6::pg_lsn)::bigint, 0)) "
      "FROM (SELECT coalesce($4::pg_lsn, pg_current_wal_lsn()) AS lsn) p");

QUERY(cleanup_history, 2,
      "DELETE FROM pgrmon.monitoring_history "
      "WHERE last_monitor_time <= now() - $1::interval "
      "AND ($2::int IS NULL OR standby_node_id = $2::int)");

/* ---- the probe ----------------------------------------------------------------- */

/* Posting the note and reading what lies on the board is one round trip. Only sessions
 * of our own role count (rule N2); usesysid is that of the role that logged in. */
QUERY(probe, 1,
      "SELECT standby, "
      SYSTEM_IDENTIFIER ", "
      TIMELINE ", "
      "(SELECT max(term) FROM pgrmon.term), "
      POSITION ", "
      REPLAYED ", "
      PAUSED ", "
      "receiver.status = 'streaming', "
      MS_SINCE("receiver.last_msg_receipt_time") ", "
      "(SELECT string_agg(a.application_name, E'\\n' ORDER BY a.backend_start) "
      "FROM pg_stat_activity a "
      "WHERE a.usesysid = (SELECT oid FROM pg_roles WHERE rolname = session_user) "
      "AND a.backend_type = 'client backend' "
      "AND a.application_name LIKE 'pgrmond2%'), "
      "CASE WHEN $1 <> '' THEN set_config('application_name', $1, false) END, "
      COPIES
      "FROM " ROLE "LEFT JOIN pg_stat_wal_receiver receiver ON true");

/* ---- facts about a server ------------------------------------------------------ */

QUERY(in_recovery, 0, "SELECT pg_is_in_recovery()");

QUERY(replay_time, 0, "SELECT pg_last_xact_replay_timestamp()");

QUERY(server_identity, 0,
      "SELECT current_setting('server_version_num'), "
      "current_setting('server_version'), "
      SYSTEM_IDENTIFIER ", "
      SETTING("data_directory") ", "
      "standby, "
      TIMELINE ", "
      SETTING("cluster_name") ", "
      LOCAL_TIME("pg_postmaster_start_time()") ", "
      "current_user FROM " ROLE);

#define SETTING_COLUMNS "SELECT name, setting, unit, pending_restart FROM pg_settings "

QUERY(server_settings, 0,
      SETTING_COLUMNS
      "WHERE name IN ('archive_command', 'archive_mode', 'cluster_name', "
      "'config_file', 'data_checksums', 'data_directory', 'full_page_writes', "
      "'hba_file', 'hot_standby', 'listen_addresses', 'max_connections', "
      "'max_replication_slots', 'max_slot_wal_keep_size', 'max_wal_senders', 'port', "
      "'primary_conninfo', 'primary_slot_name', 'recovery_min_apply_delay', "
      "'recovery_target_timeline', 'restart_after_crash', 'restore_command', "
      "'synchronous_standby_names', 'unix_socket_directories', 'wal_keep_size', "
      "'wal_level', 'wal_log_hints', 'wal_receiver_timeout', 'wal_segment_size', "
      "'wal_sender_timeout') ORDER BY name");

/* What the next start would take: of several lines of the files the last counts, of
 * none the default. */
QUERY(guard_settings, 1,
      "SELECT s.name, s.setting, CASE WHEN s.pending_restart THEN coalesce("
      "(SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = s.name "
      "ORDER BY f.seqno DESC LIMIT 1), s.boot_val) END "
      "FROM pg_settings s WHERE s.name = ANY ($1::text[])");

QUERY(guard_settings_restricted, 1,
      "SELECT name, setting, NULL FROM pg_settings WHERE name = ANY ($1::text[])");

QUERY(setting, 1, SETTING_COLUMNS "WHERE name = lower($1)");

/* Roles that a version does not have yet count as not granted. */
#define HAS_ROLE(role_name)                                                            \
    "EXISTS (SELECT FROM pg_roles g WHERE g.rolname = '" role_name "' "                \
    "AND pg_has_role(g.oid, 'USAGE')) "
#define MAY_CALL(function)                                                             \
    "has_function_privilege('pg_catalog." function "', 'EXECUTE') "

QUERY(role_facts, 0,
      "SELECT r.rolsuper, "
      "r.rolsuper OR r.rolreplication, "
      HAS_ROLE("pg_monitor") ", "
      MAY_CALL("pg_promote(boolean,integer)") ", "
      MAY_CALL("pg_reload_conf()") ", "
      "r.rolsuper OR " HAS_ROLE("pg_checkpoint") ", "
      MAY_CALL("pg_ls_dir(text,boolean,boolean)") "AND "
      MAY_CALL("pg_stat_file(text,boolean)") "AND "
      MAY_CALL("pg_read_binary_file(text)") "AND "
      MAY_CALL("pg_read_binary_file(text,bigint,bigint,boolean)")
      "FROM pg_roles r WHERE r.rolname = current_user");

const struct query query_parameter_facts = {
    .name = "parameter_facts",
    .text = "SELECT has_parameter_privilege('primary_conninfo', 'ALTER SYSTEM') "
            "AND has_parameter_privilege('primary_slot_name', 'ALTER SYSTEM')",
    .n_params = 0,
    .min_version = 150000,
};

QUERY(database_size, 0,
      "SELECT bytes, pg_size_pretty(bytes) FROM "
      "(SELECT sum(pg_database_size(oid))::bigint AS bytes FROM pg_database "
      "WHERE has_database_privilege(oid, 'CONNECT') OR "
      HAS_ROLE("pg_read_all_stats")
      ") total");

QUERY(tablespaces, 0,
      "SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace "
      "WHERE pg_tablespace_location(oid) <> '' ORDER BY spcname");

QUERY(replication_connections, 0,
      "SELECT current_setting('max_wal_senders'), "
      "(SELECT count(*) FROM pg_stat_replication), "
      "current_setting('max_replication_slots'), "
      "(SELECT count(*) FROM pg_replication_slots)");

/* Where this server's WAL ends, for what it sends on. */
#define SENT_END                                                                       \
    "CASE WHEN standby THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END "
#define REPLAY_END                                                                     \
    "CASE WHEN standby THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END "

QUERY(downstreams, 0,
      "SELECT r.application_name, host(r.client_addr), r.state, r.sync_state, "
      "r.sent_lsn, r.replay_lsn, "
      "(" SENT_END "- r.replay_lsn)::bigint, "
      "(extract(epoch FROM r.replay_lag) * 1000)::bigint, "
      "s.slot_name, r.pid, r.usename, r.write_lsn, r.flush_lsn "
      "FROM " ROLE "CROSS JOIN pg_stat_replication r "
      "LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid "
      "ORDER BY r.application_name, r.pid");

QUERY(slots, 1,
      "SELECT s.slot_name, s.slot_type, s.active, s.active_pid, s.restart_lsn, "
      "(" REPLAY_END "- s.restart_lsn)::bigint, s.wal_status "
      "FROM " ROLE "CROSS JOIN pg_replication_slots s "
      "WHERE $1::text IS NULL OR s.slot_name = $1::text ORDER BY s.slot_name");

QUERY(slot_create, 1,
      "SELECT slot_name, lsn FROM pg_create_physical_replication_slot($1::name, true)");

QUERY(slot_drop, 1,
      "SELECT pg_drop_replication_slot($1::name)");

QUERY(receiver, 0,
      "SELECT status, sender_host, sender_port, slot_name, received_tli, flushed_lsn, "
      MS_SINCE("last_msg_receipt_time") ", "
      "conninfo FROM pg_stat_wal_receiver");

QUERY(node_facts, 0,
      "SELECT standby, current_setting('server_version'), "
      LOCAL_TIME("pg_postmaster_start_time()") ", "
      SETTING("data_directory") ", "
      SYSTEM_IDENTIFIER ", "
      TIMELINE ", "
      POSITION ", "
      REPLAYED ", "
      "CASE WHEN NOT standby OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() "
      "THEN 0 ELSE " MS_SINCE("pg_last_xact_replay_timestamp()") "END, "
      PAUSED ", "
      SETTING("archive_mode") ", "
      SETTING("archive_command") ", "
      "current_setting('max_wal_senders'), "
      "(SELECT count(*) FROM pg_stat_replication), "
      "current_setting('max_replication_slots'), "
      "(SELECT count(*) FROM pg_replication_slots), "
      "(SELECT count(*) FROM pg_replication_slots "
      "WHERE NOT active AND slot_type = 'physical'), "
      "(SELECT count(*) FROM pg_replication_slots WHERE wal_status = 'lost'), "
      "receiver.status, receiver.sender_host, receiver.sender_port, "
      "receiver.slot_name, receiver.received_tli, "
      "(SELECT count(*) FROM pg_settings WHERE pending_restart), "
      SETTING("cluster_name")
      "FROM " ROLE "LEFT JOIN pg_stat_wal_receiver receiver ON true");

QUERY(archive_facts, 0,
      "SELECT " SETTING("archive_mode") ", "
      SETTING("archive_command") ", "
      "archived_count, last_archived_wal, failed_count, last_failed_wal, "
      LOCAL_TIME("last_failed_time") ", "
      "coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) "
      "FROM pg_stat_archiver");

QUERY(archive_ready, 0,
      "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'");

/* ---- around an election -------------------------------------------------------- */

/* Settings in bytes, and the block's size, are in pg_settings; asked once. */
#define SOURCE(setting_name)                                                           \
    "(SELECT source FROM pg_settings WHERE name = '" setting_name "') "

QUERY(revoke_facts, 0,
      "SELECT pg_is_in_recovery(), "
      "current_setting('primary_conninfo') = '', "
      SOURCE("primary_conninfo") ", "
      "current_setting('wal_block_size'), "
      "pg_size_bytes(current_setting('wal_segment_size')), "
      "current_setting('restore_command'), "
      SOURCE("restore_command") ", "
      "(SELECT sourcefile FROM pg_settings WHERE name = 'restore_command')");

/* One statement, asked every few milliseconds: never a setting's content, which may be
 * a password. */
QUERY(revoke_state, 0,
      "SELECT standby, "
      "current_setting('primary_conninfo') = '', "
      "coalesce((SELECT string_agg(p.pid::text, ' ') FROM ("
      "SELECT a.pid FROM pg_stat_activity a WHERE a.backend_type = 'walreceiver' "
      "UNION SELECT r.pid FROM pg_stat_wal_receiver r WHERE r.pid IS NOT NULL) p), ''), "
      "s.pid, s.wait_event_type, s.wait_event, "
      "CASE WHEN standby THEN pg_last_wal_receive_lsn() END, "
      REPLAYED ", "
      PAUSED ", "
      "(SELECT max(term) FROM pgrmon.term) "
      "FROM " ROLE "LEFT JOIN pg_stat_activity s ON s.backend_type = 'startup'");

/* Whom the startup process waits for is not told (pg_blocking_pids() does not know it):
 * for a conflict of snapshots whoever has one, else whoever is in a transaction. */
QUERY(replay_blockers, 0,
      "SELECT a.pid FROM pg_stat_activity a CROSS JOIN "
      "(SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup') s "
      "WHERE a.backend_type = 'client backend' AND a.xact_start IS NOT NULL "
      "AND (a.backend_xmin IS NOT NULL "
      "OR s.wait_event IS DISTINCT FROM 'RecoveryConflictSnapshot') "
      "AND NOT (a.usesysid = (SELECT oid FROM pg_roles WHERE rolname = session_user) "
      "AND a.application_name LIKE 'pgrmon%')");

QUERY(terminate, 1, "SELECT pg_terminate_backend($1::int)");

QUERY(promote_state, 0,
      "SELECT standby, s.wait_event_type, s.wait_event, s.pid "
      "FROM " ROLE "LEFT JOIN pg_stat_activity s ON s.backend_type = 'startup'");

QUERY(wal_end, 0,
      "SELECT standby, " TIMELINE ", " POSITION ", " REPLAYED "FROM " ROLE);

/* ---- acting -------------------------------------------------------------------- */

QUERY(promote, 2, "SELECT pg_promote($1::bool, $2::int)");
QUERY(reload, 0, "SELECT pg_reload_conf()");
QUERY(checkpoint, 0, "CHECKPOINT");

/* pg_rewind takes the source's timeline from its last checkpoint, which a promotion does
 * not make. */
QUERY(rewind_source, 0,
      "SELECT timeline_id, (pg_stat_file('recovery.conf', true)).size IS NOT NULL "
      "FROM pg_control_checkpoint()");

QUERY(checkpoint_age, 0,
      "SELECT extract(epoch FROM now() - c.checkpoint_time)::bigint, "
      "(" REPLAY_END "- c.redo_lsn)::bigint "
      "FROM " ROLE "CROSS JOIN pg_control_checkpoint() c");

/* clang-format on */

#define QUERY_POINTER(query_name) &query_##query_name,
const struct query *const query_all[] = {QUERY_LIST(QUERY_POINTER) NULL};
