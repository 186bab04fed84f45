/* guard.h - what keeps a restarted PostgreSQL from being writable without a vote
 * (rules G1 to G5).
 *
 * Two guards, both files in the data directory that PostgreSQL reads only when it
 * starts: standby.signal (start_guard = read-only): it comes up as a standby, readable;
 * the daemon that leads promotes it, at the price of a timeline and of the content of
 *       unlogged tables (postgres-facts 6).
 *   recovery.conf (start_guard = hold): it does not start at all (12 and later refuse
 * the file); taken away, it starts with neither price (postgres-facts 9). All functions
 * run as the owner of the data directory and need no server. */
#ifndef PGRMON_GUARD_H
#define PGRMON_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* The file in state_directory whose existence says that the node is managed. */
#define GUARD_STATE_FILE "state"

/* Conditions; see the functions. */
enum guard_condition {
    GUARD_E_REFUSED = 1, /* it must not be done; the reason is in `err` */
    GUARD_E_FOREIGN,     /* a recovery.conf that is not ours */
    GUARD_E_SLOW,        /* it may be armed, but promoting may take long */
};

/* Make sure that standby.signal is there and durable: fsync of file and directory, also
 * when it was there before. 0 or -errno. */
int guard_arm(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

/* True when standby.signal is there. (A true standby's is the same file.) */
bool guard_is_armed(const char *data_directory);

/* Remove it, durably. 0 (also when it was not there) or -errno. Never on a standby: the
 * next start would make it a primary. */
int guard_disarm(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

/* Put the brake there, durably; it says that it is pgrmon's. 0 (also when ours was
 * there), GUARD_E_FOREIGN when another recovery.conf is (it brakes as well, but is not
 * ours to remove), or -errno. */
int guard_hold(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

/* True when our brake is there. */
bool guard_is_held(const char *data_directory);

/* Take our brake away, durably. 0 (also when there is none), GUARD_E_FOREIGN (left
 * alone), or -errno. */
int guard_unhold(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

/* The daemon's own start of a leading PostgreSQL (rule G2) may go through a service
 * manager whose unit runs `pgrmon node guard` first. A permit, a file in
 * `state_directory`, tells that command to leave the guard off: for this boot, until
 * `until_ms` of CLOCK_BOOTTIME. guard_permit() does not wait for the disk: a permit
 * that a crash loses only costs a timeline. 0 or -errno. */
int guard_permit(const char *state_directory,
                 int64_t until_ms,
                 struct err *err) PGRMON_MUST_CHECK;
/* True when there is a valid one. */
bool guard_is_permitted(const char *state_directory);
void guard_revoke(const char *state_directory);

/* One setting of PostgreSQL, as the caller read it. */
struct guard_setting {
    const char *name;
    const char *value; /* of pg_settings; NULL when the role may not see it */
    const char *next;  /* what a restart would make of it (pg_file_settings, where
                          pending_restart); NULL when the same */
};

/* The names guard_check() wants to see; the rest is passed over. NULL-terminated. */
extern const char *const guard_setting_names[];

/* Would these settings keep a guarded PostgreSQL from starting, from answering, or from
 * being promoted (rule G4, postgres-facts 8)? Pure; for a running primary, once a
 * minute and after each reload. `conninfo` is the node's own (may be NULL): a
 * primary_conninfo that leads to the node itself is found by it. Settings that are
 * missing or NULL count as harmless. 0: arm. GUARD_E_REFUSED: do not arm. GUARD_E_SLOW:
 * arm, and warn. The reason, and the command that helps, in `err`. */
int guard_check(const struct guard_setting *settings,
                size_t n,
                const char *conninfo,
                struct err *err) PGRMON_MUST_CHECK;

#endif
