/* state.h - the durable file of a daemon (rules D): its promises, and the nodes that it
 * knows, so that it can reach them while its own PostgreSQL is down.
 *
 * Text, `name = value`, for people at three in the morning; but no form of it is taken
 * that state_format() would not have written, and a checksum ends it. It may hold
 * passwords (conninfo), so it is its owner's alone.
 *
 *     # Written by pgrmond. Not to be edited: without a valid checksum this node has no
 *     # vote.
 *     version = 2
 *     node_id = 2
 *     system_identifier = 7301234567890123456
 *     incarnation = 1
 *     term = 17
 *     ...
 *     nodes = 2
 *
 *     node = 1
 *       name = node1
 *     ...
 *     checksum = 0a1b2c3d                      CRC-32C of all lines before it
 *
 * In texts a backslash and control characters are written as \xHH. */
#ifndef PGRMON_STATE_H
#define PGRMON_STATE_H

#include <stdint.h>

#include "core/core.h"
#include "err.h"
#include "node.h"

/* Conditions; the text in `err` says more. */
enum {
    STATE_E_MISSING = 1, /* there is no file */
    STATE_E_DAMAGED,     /* there is one that cannot be relied upon */
    STATE_E_FOREIGN,     /* it belongs to another node or another cluster */
    STATE_E_LOCKED,      /* another process holds the directory */
};

/* Names below the state directory. */
#define STATE_FILE_NAME "state"
#define STATE_LOCK_NAME "lock"

/* The largest text that is written. */
#define STATE_MAX_BYTES (1 << 20)

struct state {
    int node_id;                /* 1 to CORE_MAX_NODE_ID */
    uint64_t system_identifier; /* 0 = not known yet */
    struct core_durable durable;
    struct nodeset nodes; /* as last read from the metadata, ordered by id */
};

#define STATE_INIT                                                                     \
    {                                                                                  \
        0                                                                              \
    }

/* Release what the state owns; it is empty afterwards. Works as a cleanup attribute. */
void state_free(struct state *state);

/* ---- text ----------------------------------------------------------------------- */

/* The text form; heap memory. The state keeps to the ranges of core.h: anything else is
 * a bug of ours and traps. */
char *state_format(const struct state *state);

/* Read it. 0 and `*ret` to state_free(), or STATE_E_DAMAGED with `*ret` untouched. */
int state_parse(const char *text, struct state *ret, struct err *err) PGRMON_MUST_CHECK;

/* "follower", "candidate", ...: as in the file. */
const char *state_duty_name(enum core_duty duty);

/* ---- files (state_file.c); all of them block ------------------------------------- */

/* Make the directory, mode 0700, unless it is there. Its parent has to be. 0 or -errno.
 */
int state_make_directory(const char *directory, struct err *err) PGRMON_MUST_CHECK;

/* Be the only process that uses the directory. 0 and a descriptor that holds the lock
 * until it is closed (in every child that was forked without exec, too);
 * STATE_E_LOCKED with the holder's PID in the DETAIL; -errno. */
int state_lock(const char *directory, int *ret_fd, struct err *err) PGRMON_MUST_CHECK;

/* Read the file. 0 and `*ret` to state_free(); STATE_E_MISSING; STATE_E_DAMAGED;
 * STATE_E_FOREIGN when it is another node's, or another system's than `expected`
 * (0 = any; and a file that does not know its system yet fits any); -errno when it
 * cannot be read, which says nothing about it. `*ret` is untouched by failures. */
int state_load(const char *directory,
               int node_id,
               uint64_t expected,
               struct state *ret,
               struct err *err) PGRMON_MUST_CHECK;

/* Replace the file; durable on return, and after a crash there is the old or the new
 * one. 0, -EFBIG when it would be larger than STATE_MAX_BYTES, or another -errno. After
 * a failure either of the two may be there. */
int state_save(const char *directory,
               const struct state *state,
               struct err *err) PGRMON_MUST_CHECK;

/* The same with a text of state_format(). */
int state_save_text(const char *directory,
                    const char *text,
                    struct err *err) PGRMON_MUST_CHECK;

/* Make the directory if it is missing, and the first file. -EEXIST when there is one,
 * valid or not; otherwise as state_save(). */
int state_create(const char *directory,
                 const struct state *state,
                 struct err *err) PGRMON_MUST_CHECK;

#endif
