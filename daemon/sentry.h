/* sentry.h - a child that fences PostgreSQL when the daemon cannot (rule L7).
 *
 * It shares one page with the daemon: two deadlines, and what it did. It sleeps until
 * the earlier deadline and then freezes (L4) or guards and kills (L6), whether the
 * daemon is dead, stopped or stuck. A daemon that holds its lease moves the deadlines
 * on.
 *
 * Why a fork and not a program of its own: it needs nothing that the daemon has not in
 * memory already, so it works when the binary was replaced, its file system hangs, or
 * no memory is left for an exec. It closes every descriptor but the page's, so that no
 * lock (PID file, state file) outlives the daemon in it; leaves the process group and
 * ignores what is meant for it; allocates nothing in the usual case; locks the code and
 * data that it runs on, and asks for SCHED_RR and a low oom_score_adj (all three are
 * only reported when refused). It never touches libev, libpq or the log.
 *
 * Orders, and the race that they exclude
 *   The sentry announces (state FREEZING), *then* reads the deadline again, then acts.
 *   The daemon moves the deadlines, *then* reads the state. So one of the two sees the
 *   other, and a daemon that thaws in this order is never frozen by an old deadline:
 *     1. sentry_order() with deadlines in the future,
 *     2. only when it returned 0: fence_thaw().
 *   SENTRY_E_BUSY means that the sentry is acting at this moment: order again shortly.
 *   Before anything is frozen by the daemon nothing needs to be ordered: freezing twice
 *   is freezing once. To freeze, leave the deadlines; to stand down, order MONO_NEVER.
 *
 * The end
 *   It ends when it is told to (sentry_stop(), or a successor); when the daemon is dead
 *   and either nothing is ordered, `keep` is set, or it has killed. A daemon that died
 *   without an order to guard against leaves no sentry.
 *
 * The succession
 *   `state_directory`/sentry names the one on duty by boot, pid, start time. A
 * restarted daemon maps its page (/proc/PID/fd/3), starts the new one with the same
 * deadlines and deeds, and only when that one is armed does it write its own name there
 * and tell the former to end; should that not listen within two beats, it is killed.
 * Both at once are harmless. A name that fits no living process, in all of boot, pid,
 * start time, user and command name, is a stale file; nobody is signalled. So a restart
 * never moves a deadline; the daemon does, once it holds a lease. systemd: the unit
 * must have KillMode=process, or the sentry dies with the daemon. */
#ifndef PGRMON_SENTRY_H
#define PGRMON_SENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "mono.h"

/* Conditions; see the functions. */
enum sentry_condition {
    SENTRY_E_STARTING = 1, /* started, not armed yet */
    SENTRY_E_LOST,         /* dead, or silent for too long: start another */
    SENTRY_E_BUSY,         /* freezing or killing at this moment */
    SENTRY_E_KILLED, /* it killed PostgreSQL: there is nothing to thaw. Said once for
                        every kill, also by a successor */
};

/* Which guard it makes sure of before it kills. */
enum sentry_guard {
    SENTRY_GUARD_OFF,
    SENTRY_GUARD_READ_ONLY, /* standby.signal */
    SENTRY_GUARD_HOLD,      /* recovery.conf */
};

struct sentry_orders {
    struct mono freeze_at; /* MONO_NEVER: do not */
    struct mono kill_at;   /* MONO_NEVER: do not; not before freeze_at */
    enum sentry_guard guard;
    bool keep; /* on_daemon_loss = keep: end with the daemon, do nothing */
};

#define SENTRY_STAND_DOWN                                                              \
    ((struct sentry_orders){.freeze_at = MONO_NEVER, .kill_at = MONO_NEVER})

struct sentry_settings {
    const char *state_directory; /* writable */
    const char *data_directory;
    int64_t beat_ms; /* how often it reads its orders and gives a sign of life */
};

enum sentry_deed {
    SENTRY_DID_NOTHING,
    SENTRY_DID_FREEZE,
    SENTRY_DID_KILL,
};

/* What it did under the present orders, and what it has to say. */
struct sentry_report {
    enum sentry_deed did;
    struct mono at;  /* when it had been done; MONO_NEVER when nothing was */
    int64_t late_ms; /* after the deadline, the work included */
    bool ran;        /* PostgreSQL ran; false: there was nothing to freeze or kill */
    bool guarded;    /* before a kill: the guard was on disk */
    bool memory_locked;
    bool realtime;
    bool oom_protected;
    char text[256]; /* of the last failure; "" when all went well */
};

struct sentry;

/* Fork one; to be called early, with one thread. Takes over from a former one as said
 * above: its deadlines hold until sentry_order(). `*ret_former` (may be NULL) tells
 * what the former, or one that has ended since, did under its last orders, as far as it
 * can be known. Does not wait: see sentry_check(). 0 or -errno. */
int sentry_start(struct sentry **ret,
                 const struct sentry_settings *settings,
                 struct sentry_report *ret_former,
                 struct err *err) PGRMON_MUST_CHECK;

/* Every beat. 0: on duty; SENTRY_E_STARTING (for at most 10 beats); SENTRY_E_LOST with
 * the reason: sentry_stop() it and start another. Never waits. */
int sentry_check(struct sentry *sentry, struct err *err) PGRMON_MUST_CHECK;

/* True when sentry_check() would say 0. */
bool sentry_alive(struct sentry *sentry);

/* Give it orders; it reads them at once, or within a beat. 0; SENTRY_E_BUSY and
 * SENTRY_E_KILLED: the orders are given, but nothing may be thawed (see above). */
int sentry_order(struct sentry *sentry,
                 const struct sentry_orders *orders) PGRMON_MUST_CHECK;

/* What it did. SENTRY_DID_NOTHING again once newer orders, with deadlines in the
 * future, were read. */
struct sentry_report sentry_did(const struct sentry *sentry);

/* When it will freeze: right after sentry_start() the deadline of the former one, of
 * this boot; MONO_NEVER when there was none. */
struct mono sentry_freeze_at(const struct sentry *sentry);

/* Tell it to end and release it; NULL is nothing. Does not wait, and does not thaw.
 * Give the order to stand down, or do the fencing, before. */
void sentry_stop(struct sentry *sentry);

/* Release it without telling it anything: it goes on by its orders, as when the daemon
 * has died. */
void sentry_leave(struct sentry *sentry);

/* Its pid, for logs and tests. */
int sentry_pid(const struct sentry *sentry);

#endif
