/* world.h - hosts, the network between them, PostgreSQL, boards and commits.
 *
 *   world.c   who reaches whom, replication, what a query finds
 *   pg.c      PostgreSQL: starts, ends, is promoted, frozen, cut off
 *   host.c    hosts and the network fail and return
 *   board.c   sessions, and the notes that they leave
 *   commit.c  which commits were acknowledged, and who has them */
#ifndef PGRMON_SIM_WORLD_H
#define PGRMON_SIM_WORLD_H

#include "sim.h"

/* ---- world.c ----------------------------------------------------------------- */

/* The network and the host of `to` let `from` speak to it. */
bool world_reaches(const struct sim *sim, int from, int to);
/* The whole host stands still. */
bool world_is_paused(const struct sim *sim, int id);
/* Both are of one cluster, and the WAL of one is the beginning of the other's (P3). */
bool world_can_follow(const struct sim *sim, int id, int upstream_id);
/* The same, and `upstream_id` has what `id` needs next. */
bool world_can_stream(const struct sim *sim, int id, int upstream_id);
/* It can acknowledge commits, whoever reaches it. */
bool world_is_writable(const struct sim *sim, int id);
int world_n_writable(const struct sim *sim);
/* One step of replication and of writing clients. */
void world_stream(struct sim *sim);
/* What a query at `id` finds now; `reach` SILENT when there is no answer. */
void world_look(const struct sim *sim, int from, int id, struct core_observation *seen);
/* The newest row of pgrmon.term that is replayed there, or NULL. */
const struct sim_row *world_row(const struct sim_pg *pg);
/* Everything in the WAL of `from` comes to `to`. */
void world_copy_wal(struct sim_pg *to, const struct sim_pg *from);

/* The record of `id`, or NULL. */
struct core_member *world_record_of(struct sim_table *table, int id);
/* pgrmon.record_promotion() and the upstream of a node, as sql/ and queries.c have it.
 * False when there is nobody to write to, or the term is over. */
bool world_record_lead(struct sim *sim, int id, int64_t term);
bool world_record_upstream(struct sim *sim, int id, int upstream_id);
/* The version of the membership becomes greater than `version`, if it is smaller. */
void world_raise_membership(struct sim *sim, int id, int64_t version);
/* A command changes who belongs to the cluster, on the server of `at`. False when there
 * is nothing to change. */
bool world_change_member(struct sim *sim, int at, int id, enum member_change change);
/* An administrator changes the table on the primary. */
void sim_set_priority(struct sim *sim, int id, int priority);

/* ---- pg.c -------------------------------------------------------------------- */

/* The postmaster is killed; its backends may live on for `orphans_ms` (F2). */
void sim_pg_kill(struct sim *sim, int id);
void sim_pg_kill_slowly(struct sim *sim, int id, int orphans_ms);
/* An orderly shutdown. */
void sim_pg_stop(struct sim *sim, int id);
/* Start it as it was, or read-only with the guard; it says "starting up" for `ms`. */
void sim_pg_start(struct sim *sim, int id, int64_t ms);
/* The same by its unit, whose ExecStartPre arms the guard where a node is managed (G3).
 */
void sim_pg_start_unit(struct sim *sim, int id, int64_t ms);
/* PostgreSQL restarts itself after a crash of a backend. */
void sim_pg_crash_restart(struct sim *sim, int id);
/* Make it a standby of `upstream_id`, rewound and restarted at once. By an operator. */
void sim_pg_demote(struct sim *sim, int id, int upstream_id);
/* Promote it now, not by pgrmon. */
void sim_pg_promote(struct sim *sim, int id);

void pg_promote(struct sim *sim, int id);
void pg_ready(struct sim *sim, const struct sim_item *item);
void pg_freeze(struct sim *sim, int id, const char *who);
void pg_thaw(struct sim *sim, int id);
/* Every process is ended, the guard is on disk. */
void pg_end(struct sim *sim, int id, const char *who);
/* Own server processes, as the operating system shows them. */
enum core_local pg_local(const struct sim *sim, int id);
/* Backends of a dead postmaster still run. */
bool pg_has_orphans(const struct sim *sim, const struct sim_pg *pg);

/* ---- host.c ------------------------------------------------------------------ */

/* PostgreSQL, daemon, sentry and network of a host gone, and back with another clock.
 * `daemon_ms`: how much later than the boot the daemon starts. */
void sim_host_crash(struct sim *sim, int id);
void sim_host_boot(struct sim *sim, int id, int pg_start_ms, int daemon_ms);
/* All of it stands still for `ms`. */
void sim_host_pause(struct sim *sim, int id, int64_t ms);
/* `from` cannot open or keep connections to `to` any more. */
void sim_cut(struct sim *sim, int from, int to);
void sim_heal(struct sim *sim, int from, int to);
/* Both ways, with everybody. */
void sim_isolate(struct sim *sim, int id);
void sim_rejoin_network(struct sim *sim, int id);

/* ---- board.c ----------------------------------------------------------------- */

/* The session `serial` of `from` leaves `note` on the board of `id` (phase NONE: only
 * the session is there). */
void board_post(
    struct sim *sim, int id, int from, uint32_t serial, const struct core_note *note);
/* All notes on the board of `id` but those of `from`'s present daemon. */
int board_read(struct sim *sim, int id, int from, struct core_note *notes);
/* The session ends now, or lingers while the network or a dead host hides its end. */
void board_leave(struct sim *sim, int id, uint32_t serial);
/* All sessions of the daemon of `from`, everywhere. */
void board_leave_all(struct sim *sim, int from);
bool board_has(const struct sim *sim, int id, uint32_t serial);

/* ---- commit.c ---------------------------------------------------------------- */

/* A commit at `position` of the WAL that `id` writes was acknowledged to a client. */
void commit_acknowledge(struct sim *sim, int id, uint64_t position);
/* The confirmed position of synchronous replication on `id`: what `copies` standbys
 * have. */
uint64_t commit_confirmed(const struct sim *sim, int id);
/* (e) no acknowledged commit is missing on `id`. */
void commit_check(struct sim *sim, int id);

#endif
