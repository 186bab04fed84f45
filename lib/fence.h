/* fence.h - acting on every process of the PostgreSQL that uses a data directory.
 *
 * Stopping it so that nothing more is acknowledged (rule L4), letting it go on (L5),
 * and killing it with a proof that nothing of it is left (L6; postgres-facts 2 and 12).
 * No libev and no threads; the daemon, the sentry and the CLI use it, as the user that
 * runs PostgreSQL, in its process and IPC namespaces (fence_may_signal).
 *
 * Which processes belong to it
 *   A process is named by pid and start time; every signal goes through a pidfd that
 * was opened before the comparison, so that it reaches that process or nobody. Only
 *   processes of the data directory's owner count, and never the caller itself.
 *   M1 The postmaster: the pid of postmaster.pid, whose working directory is the data
 *      directory (PostgreSQL changes into it), which has the file's segment mapped (or,
 *      before it has one, runs a program called postgres), alive when it was learned.
 *   M2 Its children that run the same program in the same working directory. (A
 *      postmaster forks nothing else. A program that was started beside it and then
 *      became its child, as `pgrmond & exec postgres` in a container, is none.)
 *   M3 Descendants of M2 and M4, whatever they run: the shell of archive_command.
 *   M4 Orphans: working directory = the data directory, and the postmaster's program
 *      (where it was ever seen running), and either a remembered System V segment of
 *      this server is mapped, or the title begins with "postgres: " (the logger has
 *      let go of the segment); and the parent is no process of this program in this
 *      directory. The last condition spares a new postmaster's children; the others
 *      spare every other cluster, `postgres --single`, psql, shells, pg_ctl and test
 *      programs that stand in the directory.
 *   M5 What an earlier look counted and still lives (an archive_command whose archiver
 *      has died since), until there is another postmaster.
 *   A segment is remembered while the server runs (line 7 of postmaster.pid) and
 *   counts as long as key and creating process are those that were remembered: an id
 *   may belong to somebody else after a reboot.
 *   Not seen: a child of archive_command whose archiver and postmaster died before the
 *   first look. It acknowledges nothing to anybody. */
#ifndef PGRMON_FENCE_H
#define PGRMON_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "err.h"
#include "proc.h"

/* Conditions; see the functions. */
enum fence_condition {
    FENCE_E_WORKING = 1, /* not there yet: call again */
    FENCE_E_GONE,        /* no process of this PostgreSQL */
    FENCE_E_CHANGED,     /* another postmaster than before */
    FENCE_E_HIDDEN,      /* it runs, but not where we can see it */
    FENCE_E_FORBIDDEN,   /* we see it and may not signal it */
};

enum fence_state {
    FENCE_GONE,        /* no process, and nobody attached to its shared memory */
    FENCE_RUNNING,     /* a postmaster that is not stopped */
    FENCE_FROZEN,      /* postmaster and all others stopped */
    FENCE_HALF_FROZEN, /* postmaster stopped, others not: a freeze or thaw was broken
                          off; finish one or the other */
    FENCE_ORPHANS,     /* postmaster dead, others are not: commits may still be
                          acknowledged */
};

struct fence_segment {
    int id;
    int key;
    pid_t creator;
};

struct fence_process {
    struct proc proc;
    bool member;
};

struct fence_known {
    pid_t pid;
    uint64_t start;
};

enum { FENCE_SEGMENTS = 4 }; /* this postmaster's, and those of its last crashes */

/* Private to fence*.c. Embedded: fence_init(), fence_deinit(). */
struct fence {
    char *directory;
    dev_t device;
    ino_t inode;
    uid_t owner;

    pid_t pid; /* of the postmaster; 0 before one was seen */
    uint64_t start;
    int watch, former_watch; /* pidfds, or -1 */
    dev_t exe_device;
    ino_t exe_inode; /* 0 before it was seen running */
    struct fence_segment segments[FENCE_SEGMENTS];
    size_t n_segments;

    bool has_stamp; /* of postmaster.pid, as it was when it was read */
    struct timespec modified;
    ino_t file_inode;
    off_t file_size;

    struct fence_process *processes; /* of the last look, by pid */
    size_t n_processes, processes_size;
    struct fence_known *known; /* M5 */
    size_t n_known, known_size;
};

/* Begin, knowing nothing yet. `directory` is copied. */
void fence_init(struct fence *fence, const char *directory);
void fence_deinit(struct fence *fence);

/* Look who is the postmaster; every beat, and every function below does it itself.
 * Costs two stat(2) when nothing changed. A postmaster that died or whose file is gone
 * stays remembered, and one that lives stays so even when its directory is renamed or
 * removed; all functions below then go on with it. 0; FENCE_E_CHANGED when another
 * postmaster is there than before (its fence_watch_fd() too); -errno when the data
 * directory cannot be read. */
int fence_learn(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;

/* A descriptor that becomes, and stays, readable when the postmaster dies; -1 when
 * there is none or the kernel has no pidfds. Owned by the fence. Upon FENCE_E_CHANGED
 * it is another one; the former stays open until the next change, so that a watcher on
 * it can be stopped in peace. */
int fence_watch_fd(const struct fence *fence);

/* Pid of the postmaster that is remembered, 0 when none was ever seen. */
pid_t fence_pid(const struct fence *fence);

/* Could we freeze and kill it? 0 (also when nothing runs); FENCE_E_HIDDEN (a
 * container's other process or IPC namespace); FENCE_E_FORBIDDEN (another user); the
 * reason and a way out in `err`. -errno when the data directory cannot be read. */
int fence_may_signal(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;

/* What is there now. A zombie is nothing. -errno as fence_learn(). About 1 ms. */
int fence_poll(struct fence *fence,
               enum fence_state *ret,
               struct err *err) PGRMON_MUST_CHECK;
const char *fence_state_name(enum fence_state state);

/* SIGSTOP to the postmaster, then all the others, until two looks in a row found
 * nothing running (one look could miss the child of a process that stopped while it
 * looked). 0: all are stopped, in state T; nothing can be acknowledged any more, what
 * is in flight included. FENCE_E_WORKING after `budget_ms`, at least one look: call
 * again. FENCE_E_GONE: nothing runs. -EPERM, -errno. Idempotent. */
int fence_freeze(struct fence *fence,
                 int64_t budget_ms,
                 struct err *err) PGRMON_MUST_CHECK;

/* SIGCONT to all, the postmaster last: as long as it is stopped, a thaw that was broken
 * off is recognised (FENCE_HALF_FROZEN), and nobody new is let in before those that
 * were. 0, FENCE_E_WORKING after `budget_ms`, FENCE_E_GONE, -errno. The sentry's
 * deadline must have been moved before (daemon/sentry.h). */
int fence_thaw(struct fence *fence,
               int64_t budget_ms,
               struct err *err) PGRMON_MUST_CHECK;

/* True when the processes are stopped (FENCE_FROZEN): a restarted daemon asks. */
bool fence_is_frozen(struct fence *fence);

/* SIGKILL to every process, frozen or not, orphans too. The start guard must be on disk
 * before. Then fence_kill_poll() until it returns 0: it kills what was missed, and
 * proves that no process is left and that nobody is attached to the shared memory. A
 * postmaster that somebody starts in the meantime is not part of it. begin: 0 or -errno
 * (-EPERM). poll: 0 proved gone; FENCE_E_WORKING, with who is left in `err`; -errno. */
int fence_kill_begin(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;
int fence_kill_poll(struct fence *fence, struct err *err) PGRMON_MUST_CHECK;

/* Both, waiting up to `budget_ms`: for the sentry and the CLI. */
int fence_kill(struct fence *fence,
               int64_t budget_ms,
               struct err *err) PGRMON_MUST_CHECK;

/* Did PostgreSQL end in good order, by pg_control? `*ret` is true when it was shut down
 * (as a primary or as a standby), false after a crash or while it runs. 0 or -errno. */
int fence_was_clean(const char *directory,
                    bool *ret,
                    struct err *err) PGRMON_MUST_CHECK;

#endif
