/* queries.h - every SQL statement that pgrmon runs, and the decoders of their rows.
 *
 * Parameterised, schema-qualified; a test PREPAREs each. DDL lives in sql/ alone
 * (schema.h). Statements that cannot take parameters are built by query_build_* with
 * libpq's escaping. All parameters are text; "|NULL" marks those that may be NULL.
 *
 * Every session that runs them sets search_path to nothing but pg_catalog, so that no
 * user's function or operator is called by accident. */
#ifndef PGRMON_QUERIES_H
#define PGRMON_QUERIES_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "err.h"
#include "lsn.h"
#include "node.h"
#include "termlist.h"

struct query {
    const char *name;
    const char *text;
    int n_params;
    int min_version; /* PQserverVersion(); 130000 = all */
};

/* The version of schema `pgrmon` that this program reads and writes. */
#define QUERY_SCHEMA_VERSION 3

/* clang-format off */
/* X(name): statements, in the order of queries.c.
 *
 * Metadata; those that write run on the primary.
 *   schema_state             -> schema_is_there, installed (table schema_version is
 *                               there), may_create (CREATE on the database)
 *   schema_version           -> version, pgrmon_version, installed_at, upgraded_at;
 *                               fails with 42P01 where the schema is not installed
 *   nodes                    -> decoded by query_decode_nodes()
 *   membership_lock   -> version; locked until the end of the transaction
 *   membership_raise  $1 version; nothing changes if the present one is not smaller
 *   node_upsert  $1 node_id $2 node_name $3 type $4 upstream id|NULL|'0' $5 active
 *                $6 voting $7 location $8 priority $9 conninfo $10 repluser
 *                $11 slot_name|NULL|'' $12 config_file; 23505 = name taken,
 *                23503 = no such upstream, 23P01 = another active primary
 *   node_delete  $1 node_id; no row = not registered, 23503 = others follow it
 *   node_set_active    $1 node_id $2 active
 *   node_set_voting    $1 node_id $2 voting (M2)
 *   pause_set    $1 duration in ms, 0 = no pause any more (M3) -> its version
 *   pause        -> version, duration in ms, by whom, when, until when, ms that are left
 *                by the server's clock, no pause: not above 0
 *   node_set_upstream  $1 node_id $2 upstream id|NULL|'0': it follows that one from now
 *                on, so it becomes an active standby
 *   node_set_slot      $1 node_id $2 slot_name|NULL|''
 *   record_promotion   $1 new leader $2 reason $3 timeline|NULL $4 start LSN|NULL (NULL
 *                = the present) -> term, NULL = node not registered. Again = no change.
 *                `primary register` records the first term with it, after node_upsert
 *   terms        $1 limit|NULL -> term, leader, leader_name, timeline, start_lsn,
 *                reason, started_at, previous_leader; newest first
 *   term_rows    -> term, leader, timeline, start_lsn of all; oldest first
 *   record_event $1 node_id $2 event $3 successful $4 details $5 timestamp|NULL (= now)
 *                -> event_id, event_timestamp
 *   events       $1 limit|NULL $2 node_id|NULL $3 node_name|NULL $4 event|NULL
 *                -> event_id, node_id, node_name|NULL, event, successful, timestamp
 *                (local, to seconds), details, timestamp (ISO 8601, UTC); newest first
 *   record_state $1 node_id $2 state $3 reason $4 upstream|NULL $5 primary|NULL
 *                $6 term|NULL $7 timeline|NULL $8 lsn|NULL $9 lag bytes|NULL (= from
 *                $8, unless it is the primary's) $10 daemon_version $11 daemon_pid; no
 *                row written = not registered
 *   states       -> node_id, state, reason, upstream_node_id, primary_node_id, term,
 *                timeline, lsn, lag, daemon_version, daemon_pid, age in ms
 *   record_history     $1 primary id $2 standby id $3 last_apply_time|NULL
 *                $4 end of the primary's WAL|NULL (= the present) $5 received|NULL
 *                $6 replayed|NULL
 *   cleanup_history    $1 how much to keep, an interval: '7 days' $2 node_id|NULL;
 *                PQcmdTuples() tells how many rows went. The daemon runs it hourly
 *
 * Servers; valid on primaries and standbys unless noted.
 *   probe        $1 note to post|NULL|'' -> decoded by query_decode_probe(). Needs
 *                schema `pgrmon` (else 42P01)
 *   in_recovery      -> bool; cheap, for polling
 *   server_identity  -> server_version_num, server_version, system_identifier,
 *                data_directory|NULL (not permitted), in_recovery, timeline|NULL,
 *                cluster_name, started_at, user
 *   server_settings  -> name, setting, unit|NULL, pending_restart; settings that the
 *                role may not read are missing
 *   setting      $1 name -> as server_settings, one row or none
 *   guard_settings   $1 array of names -> name, setting|NULL, what the next start would
 *                make of it|NULL (= the same). 42501 without pg_file_settings
 *   guard_settings_restricted  $1 the same -> the same, but for the third
 *   role_facts   -> superuser, replication, monitor, may_promote, may_reload,
 *                may_checkpoint, may_rewind
 *   parameter_facts  -> may_alter_system (primary_conninfo and primary_slot_name); from
 *                15 on, before that only superusers may
 *   replay_time  -> when the newest transaction that was replayed was committed|NULL
 *   database_size    -> bytes, pretty; of all databases that the role may look at
 *   tablespaces  -> name, location; those outside the data directory
 *   replication_connections -> max_wal_senders, used, max_replication_slots, slots used
 *   downstreams  -> application_name, client_addr|NULL, state, sync_state, sent_lsn,
 *                replay_lsn, lag bytes|NULL, replay_lag ms|NULL, slot_name|NULL, pid,
 *                usename, write_lsn, flush_lsn
 *   slots        $1 slot_name|NULL (= all) -> slot_name, slot_type, active, active_pid,
 *                restart_lsn|NULL, retained bytes|NULL, wal_status|NULL
 *   slot_create  $1 slot_name, reserves WAL at once -> slot_name, lsn; 42710 = exists
 *   slot_drop    $1 slot_name; 55006 = in use, 42704 = not there
 *   receiver     -> status, sender_host, sender_port, slot_name, received_tli,
 *                flushed LSN, ms since its last message, conninfo (password hidden by
 *                the server); no row = no walreceiver; NULLs = not permitted to look
 *   node_facts   -> in_recovery, server_version, started_at, data_directory|NULL,
 *                system_identifier, timeline|NULL, end of WAL, replayed|NULL, replay
 *                lag ms, replay_paused, archive_mode, archive_command,
 *                max_wal_senders, used, max_replication_slots, slots, inactive
 *                physical slots, lost slots,
 *                receiver status|NULL, sender_host, sender_port, receiver slot_name,
 *                received_tli, number of settings that await a restart, cluster_name
 *   archive_facts    -> archive_mode, archive_command, archived_count,
 *                last_archived_wal, failed_count, last_failed_wal, last_failed_time,
 *                last attempt failed (bool)
 *   archive_ready    -> number of files that wait; 42501 = not permitted (pg_monitor)
 *   revoke_facts     -> in_recovery, primary_conninfo is empty, its source (view
 *                pg_settings), wal_block_size, wal_segment_size in bytes,
 *                restore_command, source of that, name of its file|NULL (not permitted)
 *   revoke_state     -> in_recovery, primary_conninfo is empty, pids of walreceivers
 *                ("17 18"; '' = none), startup process' pid|NULL, wait_event_type|NULL,
 *                wait_event|NULL, received LSN|NULL, replayed LSN|NULL, replay_paused,
 *                highest term|NULL. 42501 without pg_monitor, 42P01 without schema
 *   replay_blockers  -> pid of each session that may be what the startup process waits
 *                for; none of our own, nor of walsenders
 *   terminate    $1 pid -> bool; 42501 = not permitted
 *   wal_end      -> in_recovery, timeline|NULL, end of WAL, replayed|NULL
 *   promote_state    -> in_recovery, the startup process' wait_event_type|NULL,
 *                wait_event|NULL, pid|NULL
 *   promote      $1 wait $2 seconds -> pg_promote()'s answer
 *   reload       -> true
 *   checkpoint   no row
 *   rewind_source    -> timeline of the last checkpoint, whether a recovery.conf is in
 *                the data directory; 42501 = may not call pg_stat_file()
 *   checkpoint_age   -> seconds since the last checkpoint, WAL bytes since its redo
 */
#define QUERY_LIST(X)                                                                  \
    X(schema_state)                                                                    \
    X(schema_version)                                                                  \
    X(nodes)                                                                           \
    X(membership_lock)                                                                 \
    X(membership_raise)                                                                \
    X(node_upsert)                                                                     \
    X(node_delete)                                                                     \
    X(node_set_active)                                                                 \
    X(node_set_voting)                                                                 \
    X(pause_set)                                                                       \
    X(pause)                                                                           \
    X(node_set_upstream)                                                               \
    X(node_set_slot)                                                                   \
    X(record_promotion)                                                                \
    X(record_lead)                                                                     \
    X(terms)                                                                           \
    X(term_rows)                                                                       \
    X(record_event)                                                                    \
    X(events)                                                                          \
    X(record_state)                                                                    \
    X(states)                                                                          \
    X(record_history)                                                                  \
    X(cleanup_history)                                                                 \
    X(probe)                                                                           \
    X(in_recovery)                                                                     \
    X(server_identity)                                                                 \
    X(server_settings)                                                                 \
    X(guard_settings)                                                                  \
    X(guard_settings_restricted)                                                       \
    X(setting)                                                                         \
    X(role_facts)                                                                      \
    X(parameter_facts)                                                                 \
    X(replay_time)                                                                     \
    X(database_size)                                                                   \
    X(tablespaces)                                                                     \
    X(replication_connections)                                                         \
    X(downstreams)                                                                     \
    X(slots)                                                                           \
    X(slot_create)                                                                     \
    X(slot_drop)                                                                       \
    X(receiver)                                                                        \
    X(node_facts)                                                                      \
    X(archive_facts)                                                                   \
    X(archive_ready)                                                                   \
    X(revoke_facts)                                                                    \
    X(revoke_state)                                                                    \
    X(replay_blockers)                                                                 \
    X(terminate)                                                                       \
    X(wal_end)                                                                         \
    X(promote_state)                                                                   \
    X(promote)                                                                         \
    X(reload)                                                                          \
    X(checkpoint)                                                                      \
    X(rewind_source)                                                                   \
    X(checkpoint_age)
/* clang-format on */

#define QUERY_DECLARE(query_name) extern const struct query query_##query_name;
QUERY_LIST(QUERY_DECLARE)
#undef QUERY_DECLARE

/* All of them, ended by NULL, for the test that prepares each. */
extern const struct query *const query_all[];

/* ---- running, blocking: CLI only; the session has a statement_timeout -------------
 */

/* Run `query` with its n_params text parameters (`params` may be NULL when there are
 * none). Returns a result to PQclear, or NULL with `err` filled: code -EIO, or -EPROTO
 * when the server is too old for it. query_sqlstate() tells the kind. */
PGresult *query_run(PGconn *conn,
                    const struct query *query,
                    const char *const *params,
                    struct err *err);

/* The same, and remembers the failure's SQLSTATE ("" when there was none, as when the
 * connection broke) in `ret_sqlstate`. */
PGresult *query_run_state(PGconn *conn,
                          const struct query *query,
                          const char *const *params,
                          char ret_sqlstate[static 6],
                          struct err *err);

/* Run a text of one or more statements without parameters (BEGIN, the schema, what
 * query_build_* made). Returns 0 or -EIO. */
int query_exec(PGconn *conn, const char *text, struct err *err) PGRMON_MUST_CHECK;

/* PQclear() as a cleanup attribute for a PGresult *. */
void query_clear(PGresult **res);

/* ---- reading rows -----------------------------------------------------------------
 */

/* One field. Out of range and NULL give NULL (text), false, or `otherwise`; so does
 * text that is not of the kind. */
const char *query_text(const PGresult *res, int row, int column);
bool query_bool(const PGresult *res, int row, int column);
int64_t query_int64(const PGresult *res, int row, int column, int64_t otherwise);
struct lsn query_lsn(const PGresult *res, int row, int column);

/* The row whose first column is `name` (server_settings), or -1. */
int query_row_named(const PGresult *res, const char *name);

/* Decode `nodes` into `ret_set` (freed first; empty on failure). -EINVAL names the bad
 * row; -E2BIG when there are more than CORE_MAX_NODES. */
int query_decode_nodes(const PGresult *res,
                       struct nodeset *ret_set,
                       struct err *err) PGRMON_MUST_CHECK;

/* Decode `term_rows`: a list over `*ret_rows`, which the caller frees. */
struct termlist query_decode_term_rows(const PGresult *res,
                                       struct termlist_row **ret_rows);

/* Decode the one row of `probe` run on node `node_id`. Without pg_monitor the
 * walreceiver and the timeline it receives are unknown: not streaming, age -1. The
 * notes of all nodes on that board go to `ret_notes`, the one of its own daemon to
 * ret_seen->note, too (phase NONE: there is none). -EINVAL when `res` is not such a
 * row; nothing is filled then. */
int query_decode_probe(const PGresult *res,
                       int node_id,
                       struct core_observation *ret_seen,
                       struct core_note ret_notes[static CORE_MAX_NODES],
                       int *ret_n_notes,
                       struct err *err) PGRMON_MUST_CHECK;

/* The notes alone: returns how many there are; `*ret_n_bad` as note_board(). */
int query_decode_notes(const PGresult *res,
                       struct core_note ret_notes[static CORE_MAX_NODES],
                       int *ret_n_bad);

/* ---- building ---------------------------------------------------------------------
 */

/* ALTER SYSTEM SET name = 'value' (or RESET with value NULL), escaped with `conn`.
 * Returns heap memory, or NULL when `conn` cannot escape or `name` is more than [a-z_].
 */
char *query_build_alter_system(PGconn *conn, const char *name, const char *value);

#endif
