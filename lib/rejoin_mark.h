/* rejoin_mark.h - the marks of `node rejoin`, which others respect.
 *
 *   the lock    state_directory/rejoin.lock: somebody rejoins this node now. pgrmond
 *               starts no PostgreSQL meanwhile.
 *   the mark    a file in the data directory: a rewind is under way, or broke off. With
 *               it lies a brake, so that nobody at all can start PostgreSQL.
 *   the record  state_directory/rejoin: against whom, and where what it needs is kept.
 *
 * The mark has to survive pg_rewind, which removes each file, directory and link that
 * its source does not have. It passes over anything else, so mark and brake are FIFOs.
 */
#ifndef PGRMON_REJOIN_MARK_H
#define PGRMON_REJOIN_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "proc.h"

#define REJOIN_MARK_NAME   "pgrmon_rewind.unfinished"
#define REJOIN_LOCK_NAME   "rejoin.lock"
#define REJOIN_RECORD_NAME "rejoin"

/* Conditions. */
enum {
    REJOIN_E_BUSY = 1,   /* another `node rejoin` is at work on this node */
    REJOIN_E_UNFINISHED, /* a rewind broke off: PostgreSQL must not be started */
    REJOIN_E_FOREIGN,    /* a recovery.conf that is not ours is in the way */
    REJOIN_E_MISSING,    /* there is no record */
};

/* Be the only one to rejoin this node. 0 and a descriptor that holds the lock until it
 * is closed, REJOIN_E_BUSY, or -errno. */
int rejoin_lock(const char *state_directory,
                int *ret_fd,
                struct err *err) PGRMON_MUST_CHECK;

/* May pgrmond start PostgreSQL? 0, REJOIN_E_BUSY or REJOIN_E_UNFINISHED with what to do
 * in `err`. Costs microseconds. */
int rejoin_may_start(const char *data_directory,
                     const char *state_directory,
                     struct err *err) PGRMON_MUST_CHECK;

/* Put mark and brake there, durably; the brake first. `source_brake`: the leader has a
 * recovery.conf of its own, which pg_rewind will copy: then the brake is an ordinary
 * file, which that one replaces. 0, REJOIN_E_FOREIGN or -errno. */
int rejoin_mark(const char *data_directory,
                bool source_brake,
                struct err *err) PGRMON_MUST_CHECK;

bool rejoin_is_marked(const char *data_directory);

/* Fill `err`: why a marked directory must not be started, and what to do. */
void rejoin_refuse_marked(const char *data_directory, struct err *err);

/* Take brake and mark away, durably; the mark last. 0 or -errno. */
int rejoin_unmark(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

/* Of the rewind that is under way. */
struct rejoin_record {
    int leader_id;
    int64_t term;                 /* that it leads */
    char boot[PROC_BOOT_ID_SIZE]; /* of this host: a later one may have lost writes */
    char kept[1024];              /* directory of WAL and configuration */
};

/* Write it, durably, with the present boot id. 0 or -errno. */
int rejoin_record_write(const char *state_directory,
                        const struct rejoin_record *record,
                        struct err *err) PGRMON_MUST_CHECK;

/* Read it. 0, or REJOIN_E_MISSING when there is none or it cannot be understood. */
int rejoin_record_read(const char *state_directory, struct rejoin_record *ret);

/* True when it was written since this host has booted. */
bool rejoin_record_is_of_this_boot(const struct rejoin_record *record);

/* Remove it; missing is fine. */
void rejoin_record_remove(const char *state_directory);

#endif
