/* node_local.h - what the files of this host say of its node: promise, start guard,
 * sentry. No server is needed. */
#ifndef PGRMON_NODE_LOCAL_H
#define PGRMON_NODE_LOCAL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "config.h"
#include "state.h"

#define NODE_LOCAL_TEXT_SIZE 512 /* as struct err has */

struct node_local {
    int state_code; /* of state_load(): 0 = `state` is valid */
    struct state state;
    char state_error[NODE_LOCAL_TEXT_SIZE]; /* why it is not; "" when it is */
    bool guard_armed; /* standby.signal is there; a standby has it anyway */
    bool guard_held;
    pid_t sentry; /* on duty, 0 = none */
};

/* Read; release with node_local_deinit(). Never fails: what cannot be read is said in
 * `state_error`, or is not there. */
void node_local_read(const struct config *config, struct node_local *ret);
void node_local_deinit(struct node_local *local);

/* The promise in words: "follows node \"node2\" (ID: 2) in term 7". Names are those of
 * the state file. Returns `buf`. */
const char *node_local_promise(const struct state *state,
                               char buf[static NODE_LOCAL_TEXT_SIZE]);

/* The start guard in words, of a standby or a primary. */
const char *node_local_guard(const struct node_local *local, bool in_recovery);

#endif
