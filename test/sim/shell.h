/* shell.h - the daemon around the core (the twin of daemon/), and its sentry.
 *
 *   shell.c   the daemon's life, its table, one switch over all effects
 *   probe.c   queries: they take effect somewhere, and their answers come back
 *   action.c  promote, follow, revoke, record the term
 *   fence.c   the sentry; freeze, thaw, kill, start
 *   store.c   the state file */
#ifndef PGRMON_SIM_SHELL_H
#define PGRMON_SIM_SHELL_H

#include "sim.h"

/* ---- shell.c ----------------------------------------------------------------- */

void sim_daemon_start(struct sim *sim, int id);
/* The daemon dies; the sentry stays. */
void sim_daemon_stop(struct sim *sim, int id);
/* Both die at once: nobody fences (3.9). */
void sim_daemon_and_sentry_die(struct sim *sim, int id);
/* It is not scheduled by its host for `ms`. */
void sim_daemon_stall(struct sim *sim, int id, int64_t ms);
/* A reload with changed settings. */
void sim_daemon_reload(struct sim *sim, int id);

void shell_feed(struct sim *sim, struct sim_node *node, struct core_event *event);
void shell_feed_members(struct sim *sim,
                        struct sim_node *node,
                        const struct sim_table *table);
void shell_done(struct sim *sim, const struct sim_item *item);
/* The end of an effect is known in `ms`. */
void shell_tell(struct sim *sim, const struct sim_item *work, bool ok, int64_t ms);
/* The daemon that began this still runs. */
bool shell_is_ours(const struct sim_node *node, const struct sim_item *item);
/* The daemon does not run at this moment: the item comes again when it does. */
bool shell_is_late(struct sim *sim, struct sim_node *node, const struct sim_item *item);

/* ---- probe.c ----------------------------------------------------------------- */

void probe_send(struct sim *sim, struct sim_node *node, int target_id, bool anew);
/* Post on all watched boards now. */
void probe_all(struct sim *sim, struct sim_node *node);
void probe_arrive(struct sim *sim, const struct sim_item *item);
void probe_answer(struct sim *sim, const struct sim_item *item);
/* A witness reads the table from any data node. */
void probe_read_table(struct sim *sim, struct sim_node *node);
void probe_watch(struct sim *sim, struct sim_node *node, int target_id, int64_t ms);
/* All sessions to `id` broke: who held one asks again. */
void probe_sessions_lost(struct sim *sim, int id);

/* ---- action.c ---------------------------------------------------------------- */

/* Start a promotion or a follow. */
void action_start(struct sim *sim,
                  struct sim_node *node,
                  const struct core_effect *what);
void action_work(struct sim *sim, const struct sim_item *item);
void action_revoke(struct sim *sim,
                   struct sim_node *node,
                   const struct core_effect *what);
void action_revoked(struct sim *sim, const struct sim_item *item);
void action_lead(struct sim *sim,
                 struct sim_node *node,
                 const struct core_effect *what);
void action_led(struct sim *sim, const struct sim_item *item);
void action_raise(struct sim *sim,
                  struct sim_node *node,
                  const struct core_effect *what);
void action_raised(struct sim *sim, const struct sim_item *item);

/* ---- fence.c ----------------------------------------------------------------- */

void fence_lease(struct sim *sim,
                 struct sim_node *node,
                 const struct core_effect *what);
void fence_start(struct sim *sim,
                 struct sim_node *node,
                 enum core_effect_kind kind,
                 uint32_t id);
void fence_work(struct sim *sim, const struct sim_item *item);
void fence_start_pg(struct sim *sim,
                    struct sim_node *node,
                    const struct core_effect *what);
void fence_pg_ready(struct sim *sim, struct sim_node *node);
/* When the sentry of `node` has to do something, and that. */
struct mono fence_sentry_at(const struct sim_node *node);
void fence_sentry(struct sim *sim, struct sim_node *node);
/* Look at own processes and tell the core when they changed, or anyhow. */
void fence_look(struct sim *sim, struct sim_node *node, bool anyhow);
void fence_look_soon(struct sim *sim, int id);

/* ---- store.c ----------------------------------------------------------------- */

void store_save(struct sim *sim, struct sim_node *node, const struct core_effect *what);
void store_saved(struct sim *sim, const struct sim_item *item);
/* The daemon or its host dies in the middle of a write. */
void store_interrupt(struct sim *sim, struct sim_node *node);
/* The file is lost (D3). */
void sim_lose_file(struct sim *sim, int id);

#endif
