/* lockfile.h - postmaster.pid of a server that has ended (postgres-facts 12).
 *
 * PostgreSQL refuses to start while the process that the file names exists, and a
 * zombie does: one whose parent (a PID 1 that reaps late, or never) has not taken
 * note of its end. Nothing else is wrong then, so the file may go. */
#ifndef PGRMON_LOCKFILE_H
#define PGRMON_LOCKFILE_H

#include <sys/types.h>

#include "err.h"

enum lockfile_state {
    LOCKFILE_FREE,   /* no file, or one that PostgreSQL itself will replace */
    LOCKFILE_ZOMBIE, /* it names a zombie, and nobody has its shared memory */
    LOCKFILE_HELD,   /* a server lives, or processes of one that has died */
};

/* What stands in the way of a start in `data_directory`; the process in `*ret_pid`
 * unless FREE. What cannot be seen counts as HELD. */
enum lockfile_state lockfile_look(const char *data_directory, pid_t *ret_pid);

/* Remove the file of a ZOMBIE, and the lock of its socket. 0; -EAGAIN when it is none any more (look again);
 * -errno. A file that a new postmaster has written meanwhile stays. */
int lockfile_remove(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

#endif
