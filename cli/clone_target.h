/* clone_target.h - the directory that a clone fills, and how it was before.
 *
 * Whatever happens, the directory ends as a finished standby or as it was found: new
 * content is removed again, old content (--force) is put aside until the clone is done.
 * While a clone is under way a sentinel file lies in the directory, so that what a
 * power failure leaves is recognised. */
#ifndef PGRMON_CLONE_TARGET_H
#define PGRMON_CLONE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "pgdata.h"
#include "precheck.h"

/* Lies in a data directory that is not complete. */
#define CLONE_SENTINEL "pgrmon_clone.unfinished"

struct clone_target {
    const char *path; /* borrowed */
    struct pgdata_info info;
    bool unfinished; /* it holds the sentinel */
    char *aside;     /* where old content goes; NULL: it is removed instead */
    bool existed;    /* the directory was there */
    mode_t mode;     /* its mode then */
    bool prepared;   /* something was changed */
    bool is_aside;   /* old content lies in `aside` now */
    bool sentinel_written;
};

void clone_target_deinit(struct clone_target *target);

/* Look at `path` and append what stands against cloning into it. `system_identifier` is
 * that of the source; 0 when it is not known yet (then no verdict on foreign content).
 */
void clone_target_check(struct clone_target *target,
                        const char *path,
                        uint64_t system_identifier,
                        bool force,
                        struct precheck *list);

/* Append: is there room for `bytes`. Decides whether old content can be kept aside. */
void clone_target_check_space(struct clone_target *target,
                              int64_t bytes,
                              bool force,
                              struct precheck *list);

/* Make room: put old content aside or remove it, correct permissions. Returns an exit
 * code. */
int clone_target_prepare(struct clone_target *target,
                         struct err *err) PGRMON_MUST_CHECK;

/* Once the copy has begun (pg_basebackup wants an empty directory to start with): mark
 * it unfinished, and let it be nothing but a standby should anybody start it. Cheap; to
 * be called until it is done. */
void clone_target_mark(struct clone_target *target);

/* The copy is complete and its settings are written: remove the sentinel and what was
 * put aside. Returns an exit code. */
int clone_target_finish(struct clone_target *target, struct err *err) PGRMON_MUST_CHECK;

/* Everything back to what it was before clone_target_prepare(). What cannot be undone
 * is told in the log. */
void clone_target_undo(struct clone_target *target);

/* Remove what is in `path`; with `itself`, the directory too. 0 or -errno. */
int clone_target_remove(const char *path, bool itself);

#endif
