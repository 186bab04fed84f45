/* check.h - what must hold, judged by files, WAL and notes and by nothing that a core
 * concluded from them; and the transcript.
 *
 *   check.c   after every step
 *   stable.c  after all is healed
 *   trace.c   who decided what, when and why */
#ifndef PGRMON_SIM_CHECK_H
#define PGRMON_SIM_CHECK_H

#include "sim.h"

/* Something happened that must not; the first one is kept and ends the run. */
void sim_fail(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An assertion of ours failed: says where the core was, if it was in one. */
void sim_trapped(struct sim *sim);

/* ---- trap.c ------------------------------------------------------------------ */

/* From here on CORE_ASSERT() is a finding like any other. Once, first. */
void trap_assertions(void);
/* Play it; an assertion that fails ends it with sim_trapped(). */
void trap_play(struct sim *sim, void (*play)(struct sim *sim));

/* ---- check.c ----------------------------------------------------------------- */

void check_told(struct sim *sim,
                struct sim_node *node,
                const struct core_observation *seen);
void check_step(struct sim *sim, struct sim_node *node, const struct core_event *event);
/* Two vote, as far as it knows, and one is enough (Q2). */
bool check_is_pair(const struct sim_node *node);
/* (a), after each change of who is writable. */
void check_writable(struct sim *sim);
/* (b) and V1 of a PROMOTE effect. */
void check_promotion(struct sim *sim, struct sim_node *node);
void check_follow(struct sim *sim, struct sim_node *node, int target_id);
/* (c) and V1, when the file of `node` is about to become `durable`. */
void check_file(struct sim *sim,
                struct sim_node *node,
                const struct core_durable *durable);
/* (f), and what the node promises by it. */
void check_note(struct sim *sim, struct sim_node *node, const struct core_note *note);

/* ---- stable.c ---------------------------------------------------------------- */

/* (g): after all faults are healed and a bound is over; nodes whose PostgreSQL is down
 * are left out. */
void check_stable(struct sim *sim);
/* `id` gets its WAL from `leader_id`, and its daemon is content with that. */
void check_follow_chain(struct sim *sim, int id, int leader_id);

/* ---- trace.c ----------------------------------------------------------------- */

/* A line about the world. */
void trace_world(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of the scenario's author: what is shown here. */
void sim_say(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void trace_effect(struct sim *sim,
                  const struct sim_node *node,
                  const struct core_effect *effect);
void trace_start(struct sim *sim);

#endif
