/* operator.h - what people do with commands and by hand.
 *
 *   member.c  who belongs to the cluster, who votes; new state files; copied machines
 *   hand.c    daemons stopped in good order, servers restarted and released
 *   people.c  the same at random */
#ifndef PGRMON_SIM_OPERATOR_H
#define PGRMON_SIM_OPERATOR_H

#include "sim.h"

/* ---- member.c ----------------------------------------------------------------- */

/* Run a command about `id` on the host of `from`. It may wait for 10 seconds (M1). */
void member_change(struct sim *sim, int from, int id, enum member_change change);
/* The record of `id` was written, or removed. */
void member_added(struct sim *sim, int id, int64_t version);
void member_removed(struct sim *sim, int id);
/* "register --force" on a node whose state file was lost. */
void member_readmit(struct sim *sim, int id, int unused);
/* A copy of a machine, booted beside it: a second daemon of one id (D3). Returns where
 * it is among the nodes, 0 when there is no room. */
int sim_clone(struct sim *sim, int id);

/* ---- hand.c ------------------------------------------------------------------- */

/* The daemon is stopped in good order (M4): `handover` stops its PostgreSQL, too, if it
 * leads; else a leader goes on unfenced. */
void sim_daemon_leave(struct sim *sim, int id, bool handover);
/* pg_ctl restart. */
void sim_pg_restart(struct sim *sim, int id, int64_t ms);
/* "pgrmon node release", and a start as it was. */
void sim_pg_release(struct sim *sim, int id, int64_t ms);

/* ---- people.c ----------------------------------------------------------------- */

/* A change of who belongs to the cluster, or of who votes. */
void people_change(struct sim *sim, int unused_a, int unused_b);
/* Something is done to `id` by hand. */
void people_interfere(struct sim *sim, int id);

#endif
