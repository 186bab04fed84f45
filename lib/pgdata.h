/* pgdata.h - a PostgreSQL data directory, looked at from outside the server.
 *
 * Reads postmaster.pid, PG_VERSION and global/pg_control; never starts a program and
 * never writes into the directory, pgdata_sync() and pgdata_write() excepted. */
#ifndef PGRMON_PGDATA_H
#define PGRMON_PGDATA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* What stands at a path. */
enum pgdata_kind {
    PGDATA_ABSENT,       /* nothing; the parent directory may be missing too */
    PGDATA_EMPTY,        /* an empty directory ("lost+found" does not count) */
    PGDATA_SERVER,       /* a data directory: PG_VERSION and global/pg_control */
    PGDATA_OTHER,        /* a directory with other content */
    PGDATA_NO_DIRECTORY, /* something that is no directory */
};

struct pgdata_info {
    enum pgdata_kind kind;
    int major_version;          /* of PG_VERSION, 0 when there is none */
    uint64_t system_identifier; /* of pg_control, 0 when there is none */
    bool standby_signal;        /* will start as a standby */
    uid_t owner;
    mode_t mode;
};

/* Look at `directory`. 0, or -errno when it cannot be read (-EACCES ...); `*ret` is
 * filled as far as it could be. */
int pgdata_inspect(const char *directory,
                   struct pgdata_info *ret,
                   struct err *err) PGRMON_MUST_CHECK;

/* postmaster.pid, line by line. */
struct pgdata_postmaster {
    pid_t pid;
    bool standalone; /* no postmaster: `postgres --single` */
    int port;
    char socket_directory[128];
    char listen_address[128];
    unsigned long shm_key; /* of the SysV segment */
    int shm_id;            /* -1 when there is none */
    char status[16]; /* "starting", "ready", "standby", "stopping"; "" before 10 */
};

/* Read postmaster.pid. 0, -ENOENT when there is none, -EINVAL when it is not one. */
int pgdata_read_postmaster(const char *directory,
                           struct pgdata_postmaster *ret,
                           struct err *err) PGRMON_MUST_CHECK;

/* What pg_control says of the server (DBState of PostgreSQL's pg_control.h). */
enum pgdata_control_state {
    PGDATA_CONTROL_STARTUP,
    PGDATA_CONTROL_SHUT_DOWN,             /* in good order, as a primary */
    PGDATA_CONTROL_SHUT_DOWN_IN_RECOVERY, /* in good order, as a standby */
    PGDATA_CONTROL_SHUTTING_DOWN,
    PGDATA_CONTROL_IN_CRASH_RECOVERY,
    PGDATA_CONTROL_IN_ARCHIVE_RECOVERY, /* a standby, running or crashed */
    PGDATA_CONTROL_IN_PRODUCTION,       /* a primary, running or crashed */
};

/* Read it. 0, -errno, or -EINVAL when the file is none that PostgreSQL 13 to 18 writes.
 */
int pgdata_control_state(const char *directory,
                         enum pgdata_control_state *ret,
                         struct err *err) PGRMON_MUST_CHECK;

/* How sure we are that a server uses the directory. */
enum pgdata_use {
    PGDATA_IDLE,    /* nothing points to a server */
    PGDATA_RUNNING, /* postmaster.pid names a live postmaster, its socket is answered,
                       or a server process works in the directory */
    PGDATA_ORPHANS, /* the postmaster is dead, processes of it still hold its shared
                       memory (postgres-facts 2) */
};

/* Judge whether a server uses `directory`. `*ret_pid`, when not NULL, is the process
 * that was found (0 when none). A dead postmaster's leftover file is PGDATA_IDLE. */
enum pgdata_use pgdata_in_use(const char *directory, pid_t *ret_pid);

/* Replace `directory`/`name` by `text` so that a crash leaves the old or the new file:
 * write beside it, fsync, rename, fsync the directory. Mode 0600. 0 or -errno. */
int pgdata_write(const char *directory,
                 const char *name,
                 const char *text,
                 struct err *err) PGRMON_MUST_CHECK;

/* Read a whole file below `directory`, at most 1 MiB. 0 and `*ret` to free, or -errno.
 */
int pgdata_read(const char *directory, const char *name, char **ret, struct err *err)
    PGRMON_MUST_CHECK;

/* Make the entries of a directory durable. 0 or -errno. */
int pgdata_sync_directory(const char *path, struct err *err) PGRMON_MUST_CHECK;

#endif
