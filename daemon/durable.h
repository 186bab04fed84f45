/* durable.h - the daemon's state file (rules D): read once, written before anything
 * that depends on it.
 *
 * Without a valid file the daemon goes on without a voice: it watches and follows, and
 * says how to be admitted again. */
#ifndef PGRMOND_DURABLE_H
#define PGRMOND_DURABLE_H

#include "daemon.h"
#include "err.h"

/* Lock the state directory and read the file into daemon->state. A file that is
 * missing, damaged or another node's is said, and leaves an incarnation of 0.
 * STATE_E_LOCKED when another daemon uses the directory. */
int durable_open(struct daemon *daemon, struct err *err) PGRMON_MUST_CHECK;

/* Start the writer; call it after the last fork() that goes on without exec. */
void durable_begin(struct daemon *daemon);

/* CORE_EFF_SAVE: the end comes as CORE_EV_DONE. */
void durable_save(struct daemon *daemon, const struct core_effect *effect);

/* Remember the nodes, so that a daemon whose own PostgreSQL is down knows them. */
void durable_save_nodes(struct daemon *daemon);

/* Finish what is being written, release. */
void durable_close(struct daemon *daemon);

/* Bits of the boot id that every stamp carries (N4). */
uint32_t durable_boot_bits(void);

#endif
