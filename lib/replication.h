/* replication.h - what a standby is told: primary_conninfo, slot, postgresql.auto.conf.
 *
 * Pure text building and judging: nothing here connects, reads files or the
 * environment. The CLI (clone, follow) and the daemon (follow) share it, so that a
 * standby looks the same whoever pointed it at its upstream. */
#ifndef PGRMON_REPLICATION_H
#define PGRMON_REPLICATION_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "err.h"
#include "lsn.h"

/* NAMEDATALEN of PostgreSQL. */
#define REPLICATION_SLOT_NAME_SIZE 64

/* The slot of node `node_id` on its upstream: "pgrmon_slot_2". Returns `buf`. */
char *replication_slot_name(int node_id, char buf[static REPLICATION_SLOT_NAME_SIZE]);

/* primary_conninfo for the node of `config` to stream from the server that is reached
 * by `upstream_conninfo` (a record's conninfo), as `repluser` (NULL or "": the user of
 * that conninfo). application_name is the node's name, passfile the configured one;
 * passwords are left out unless use_primary_conninfo_password is on. Other keywords are
 * kept, dbname too, which PostgreSQL 17's slot synchronisation needs.
 * 0 and `*ret` to free, or -EINVAL when upstream_conninfo cannot be parsed. */
int replication_primary_conninfo(char **ret,
                                 const struct config *config,
                                 const char *upstream_conninfo,
                                 const char *repluser,
                                 struct err *err) PGRMON_MUST_CHECK;

/* The conninfo by which a client of this node opens replication connections of its own
 * (pg_basebackup, IDENTIFY_SYSTEM): as above, but with the password that
 * `upstream_conninfo` may hold, and without application_name. Keep it out of arguments
 * and logs. */
int replication_client_conninfo(char **ret,
                                const struct config *config,
                                const char *upstream_conninfo,
                                const char *repluser,
                                struct err *err) PGRMON_MUST_CHECK;

/* One line of postgresql.auto.conf. A NULL value takes the setting out. */
struct replication_setting {
    const char *name;
    const char *value;
};

/* `text` (of a postgresql.auto.conf, may be "") with `settings` in place of earlier
 * lines of those names. What must not be inherited from the copied server goes in any
 * case: primary_conninfo, primary_slot_name, recovery_min_apply_delay and
 * recovery_target* (postgres-facts 8). Values are quoted as ALTER SYSTEM does it. The
 * caller frees. */
char *replication_auto_conf(const char *text,
                            const struct replication_setting *settings,
                            size_t n_settings);

/* `value` in single quotes, as postgresql.auto.conf wants it. The caller frees. */
char *replication_quote(const char *value);

/* May a standby stream from an upstream? Positive values say why not. */
enum replication_attach {
    REPLICATION_ATTACH_OK = 0,
    REPLICATION_OTHER_SYSTEM, /* another cluster: system identifiers differ */
    REPLICATION_BEHIND,       /* the upstream's timeline is lower than ours */
    REPLICATION_UNRELATED,    /* our timeline is not in the upstream's history */
    REPLICATION_FORKED,       /* we have WAL from beyond the upstream's fork point */
};

/* One end of a possible replication connection. */
struct replication_end {
    uint64_t system_identifier;
    int timeline;
    struct lsn position; /* end of WAL received or written; of the standby only */
};

/* Judge whether `standby` can stream from `upstream`. `history` is the content of the
 * upstream's timeline history file (replication command TIMELINE_HISTORY), needed when
 * the timelines differ, else NULL. `*ret_fork`, when not NULL, is the point where the
 * upstream left the standby's timeline (LSN_UNKNOWN when it did not).
 * A necessary condition, not a sufficient one: two promotions from one point look alike
 * (postgres-facts 1); who leads is for the term to say. */
enum replication_attach replication_can_attach(const struct replication_end *standby,
                                               const struct replication_end *upstream,
                                               const char *history,
                                               struct lsn *ret_fork);

#endif
