/* probe.h - asks one PostgreSQL how it is, again and again.
 *
 * Each answer, or its lack within the deadline, becomes a CORE_EV_OBSERVED; so does the
 * loss of the held session, at once. When a held session fails, a *new connection*
 * decides what kind of failure it is (design.md section 2). */
#ifndef PGRMOND_PROBE_H
#define PGRMOND_PROBE_H

#include "daemon.h"

/* A probe of node `node_id`, at rest. */
struct probe *probe_new(struct daemon *daemon, int node_id);
void probe_free(struct probe *probe);

int probe_node_id(const struct probe *probe);

/* Probe every `interval_ms`, beginning now; 0: stop and close the session. */
void probe_watch(struct probe *probe, int64_t interval_ms);

/* Probe now, with a new session when `anew`. One that is under way is let finish. */
void probe_now(struct probe *probe, bool anew);

/* Our note has changed: post it there, right after what is under way. Nothing happens
 * at rest. */
void probe_post(struct probe *probe);

/* The conninfo may have changed: a session to the old one is closed. */
void probe_refresh(struct probe *probe);

#endif
