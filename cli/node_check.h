/* node_check.h - the checks of `node check`: facts in, a verdict out, nothing asked. */
#ifndef PGRMON_NODE_CHECK_H
#define PGRMON_NODE_CHECK_H

#include "config.h"
#include "exit_code.h"
#include "node_view.h"

/* X(ID, option, Nagios prefix, title): in the order of the report. The last two are not
 * part of the whole check, as in repmgr. */
#define NODE_CHECK_LIST(X)                                                             \
    X(ROLE, "role", "PGRMON_SERVER_ROLE", "Server role")                               \
    X(LAG, "replication-lag", "PGRMON_REPLICATION_LAG", "Replication lag")             \
    X(ARCHIVE, "archive-ready", "PGRMON_ARCHIVE_READY", "WAL archiving")               \
    X(UPSTREAM, "upstream", "PGRMON_UPSTREAM_SERVER", "Upstream connection")           \
    X(DOWNSTREAM, "downstream", "PGRMON_DOWNSTREAM_SERVERS", "Downstream servers")     \
    X(SLOTS, "slots", "PGRMON_INACTIVE_SLOTS", "Replication slots")                    \
    X(MISSING_SLOTS, "missing-slots", "PGRMON_MISSING_SLOTS",                          \
      "Missing physical replication slots")                                            \
    X(DATA_DIRECTORY, "data-directory-config", "PGRMON_DATA_DIRECTORY",                \
      "Configured data directory")                                                     \
    X(DAEMON, "daemon", "PGRMOND", "Daemon")                                           \
    X(DB_CONNECTION, "db-connection", "PGRMON_DB_CONNECTION", "Database connection")

enum node_check {
#define NODE_CHECK_ENUM(id, option, prefix, title) NODE_CHECK_##id,
    NODE_CHECK_LIST(NODE_CHECK_ENUM)
#undef NODE_CHECK_ENUM
        NODE_CHECK_COUNT
};

/* The outcome of one check. */
struct node_verdict {
    enum nagios_code code;
    char details[1024]; /* "2 of 2 downstream nodes attached" */
    char perf[96];      /* Nagios performance data, "lag=0;300;600", or "" */
};

/* Judge one check. DB_CONNECTION is OK here: the view could be read. Thresholds are
 * reached at, not above, their value. */
void node_check_judge(enum node_check check,
                      const struct node_view *view,
                      const struct config *config,
                      struct node_verdict *ret);

/* "OK", "WARNING", "CRITICAL", "UNKNOWN". */
const char *node_check_code_name(enum nagios_code code);

/* The option's name without dashes, the Nagios prefix, the title of the report. */
const char *node_check_option(enum node_check check);
const char *node_check_prefix(enum node_check check);
const char *node_check_title(enum node_check check);

#endif
