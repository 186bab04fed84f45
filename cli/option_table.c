/* option_table.c - every option of pgrmon. */
#include "option_table.h"

#include <limits.h>

#include "cmd.h"
#include "node_check.h"
#include "options.h"

#define AT(field) offsetof(struct cmd_line, field)
#define NONE      OPTION_NO_FIELD

#define FLAG(name, letter, bits, field, help)                                          \
    {                                                                                  \
        name, letter, OPTION_FLAG, bits, AT(field), NONE, 0, 0, 0, NULL, help          \
    }
#define STRING(name, letter, bits, field, metavar, help)                               \
    {                                                                                  \
        name, letter, OPTION_STRING, bits, AT(field), NONE, 0, 0, 0, metavar, help     \
    }
#define INT(name, letter, bits, field, min, metavar, help)                             \
    {                                                                                  \
        name, letter, OPTION_INT, bits, AT(field), NONE, 0, min, INT_MAX, metavar,     \
            help                                                                       \
    }
#define MAYBE(name, letter, bits, flag, field, fallback, metavar, help)                \
    {                                                                                  \
        name, letter, OPTION_MAYBE_INT, bits, AT(field), flag, fallback, 0, INT_MAX,   \
            metavar, help                                                              \
    }
#define ASK(name, letter, ask, help)                                                   \
    {                                                                                  \
        name, letter, OPTION_ASK, 0, NONE, NONE, ask, 0, 0, NULL, help                 \
    }
#define IGNORED(name, letter)                                                          \
    {                                                                                  \
        name, letter, OPTION_IGNORED, 0, NONE, NONE, 0, 0, 0, NULL, NULL               \
    }
#define IGNORED_ARG(name, letter)                                                      \
    {                                                                                  \
        name, letter, OPTION_IGNORED_ARG, 0, NONE, NONE, 0, 0, 0, NULL, NULL           \
    }
#define CHECK(id, option, prefix, title)                                               \
    {option, 0, OPTION_CHECK, CMD_OPT_CHECKS,      NONE, NONE, 1 << NODE_CHECK_##id,   \
     0,      0, NULL,         "check only: " title},

/* clang-format off */
const struct option_row option_table[] = {
    /* of single commands, in the order of their help */
    FLAG("force", 'F', CMD_OPT_FORCE, force,
         "go ahead where a check would refuse"),
    FLAG("dry-run", 0, CMD_OPT_DRY_RUN, dry_run,
         "show what would be done and change nothing"),
    INT("node-id", 0, CMD_OPT_NODE, node_id, 1, "ID",
        "the node concerned, by its id"),
    STRING("node-name", 0, CMD_OPT_NODE, node_name, "NAME",
           "the node concerned, by its name"),
    INT("upstream-node-id", 0, CMD_OPT_UPSTREAM, upstream_node_id, 1, "ID",
        "the node to stream from (default: the primary)"),
    MAYBE("wait", 'w', CMD_OPT_WAIT, AT(wait), wait_s, -1, "SECONDS",
          "wait for the end of the operation"),
    FLAG("no-wait", 'W', CMD_OPT_WAIT, no_wait,
         "do not wait for the end of the operation"),
    MAYBE("wait-sync", 0, CMD_OPT_WAIT_SYNC, AT(wait_sync), wait_sync_s, -1, "SECONDS",
          "wait until the record has reached this node"),
    INT("wait-start", 0, CMD_OPT_WAIT_SYNC, wait_start_s, 0, "SECONDS",
        "wait for PostgreSQL to start (default: 30)"),
    STRING("pgdata", 'D', CMD_OPT_CLONE, pgdata, "DIRECTORY",
           "data directory to create (default: data_directory)"),
    FLAG("fast-checkpoint", 'c', CMD_OPT_CLONE, fast_checkpoint,
         "start the copy with a fast checkpoint"),
    STRING("replication-user", 0, CMD_OPT_CLONE, replication_user, "NAME",
           "role to replicate as (default: replication_user)"),
    FLAG("replication-conf-only", 0, CMD_OPT_CLONE, replication_conf_only,
         "only write the replication settings of an existing copy"),
    FLAG("recovery-conf-only", 0, CMD_OPT_CLONE, replication_conf_only, NULL),
    STRING("recovery-min-apply-delay", 0, CMD_OPT_CLONE, recovery_min_apply_delay,
           "TIME", "recovery_min_apply_delay of the new standby"),
    FLAG("verify-backup", 0, CMD_OPT_CLONE, verify_backup,
         "run pg_verifybackup over the copy"),
    FLAG("siblings-follow", 0, CMD_OPT_SIBLINGS, siblings_follow,
         "let the other standbys follow this node"),
    FLAG("clone", 0, CMD_OPT_REJOIN, clone,
         "copy the leader, whatever else would do"),
    FLAG("keep", 0, CMD_OPT_REJOIN, keep,
         "keep the old data directory after a clone"),
    STRING("config-files", 0, CMD_OPT_REJOIN, config_files, "LIST",
           "more files of the data directory that stay this node's, with commas between"),
    STRING("config-archive-dir", 0, CMD_OPT_REJOIN, config_archive_dir, "DIRECTORY",
           "where diverged WAL and configuration are kept"),
    FLAG("force-rewind", 0, CMD_OPT_REJOIN, force_rewind, NULL),
    FLAG("csv", 0, CMD_OPT_FORMAT, csv, "comma-separated values, without a header"),
    FLAG("json", 0, CMD_OPT_FORMAT | CMD_OPT_JSON, json, "JSON"),
    FLAG("compact", 0, CMD_OPT_COMPACT, compact, "fewer columns"),
    FLAG("tree", 0, CMD_OPT_TREE, tree, "draw who streams from whom"),
    MAYBE("watch", 0, CMD_OPT_WATCH, NONE, watch_s, 2, "SECONDS",
          "repeat every SECONDS (default: 2) until interrupted"),
    INT("limit", 0, CMD_OPT_EVENTS, limit, 1, "N", "newest N events (default: 20)"),
    FLAG("all", 0, CMD_OPT_EVENTS, all, "all events"),
    STRING("event", 0, CMD_OPT_EVENTS, event, "NAME", "events of this name only"),
    INT("keep-history", 'k', CMD_OPT_KEEP, keep_days, 0, "DAYS",
        "days of history to keep; 0 removes all"),
    STRING("for", 0, CMD_OPT_FOR, duration, "DURATION",
           "how long at most, such as 30min (default: 1h)"),
    NODE_CHECK_LIST(CHECK)
    {"repmgrd", 0, OPTION_CHECK, CMD_OPT_CHECKS, NONE, NONE,
     1 << NODE_CHECK_DAEMON, 0, 0, NULL, NULL},
    FLAG("nagios", 0, CMD_OPT_CHECKS, nagios,
         "one line for Nagios (with a single check)"),

    /* connection */
    STRING("dbname", 'd', CMD_OPT_CONN, dbname, "CONNINFO",
           "database, connection string or URI of any node"),
    STRING("host", 'h', CMD_OPT_CONN, host, "HOST", "host of any node"),
    STRING("port", 'p', CMD_OPT_CONN, port, "PORT", "its port"),
    STRING("username", 'U', CMD_OPT_CONN, username, "NAME", "role to connect as"),

    /* general */
    STRING("config-file", 'f', 0, config_file, "FILE", "configuration file"),
    STRING("pg_bindir", 'b', 0, pg_bindir, "DIRECTORY",
           "where PostgreSQL's programs are"),
    STRING("pg-bindir", 0, 0, pg_bindir, "DIRECTORY", NULL),
    STRING("log-level", 'L', 0, log_level, "LEVEL",
           "DEBUG, INFO, NOTICE, WARNING or ERROR (default: INFO)"),
    FLAG("quiet", 'q', 0, quiet, "errors only"),
    FLAG("terse", 't', 0, terse, "no DETAIL and HINT lines"),
    FLAG("verbose", 'v', 0, verbose, "more about what is done"),
    ASK("version", 'V', OPTIONS_VERSION, "print the version"),
    ASK("version-number", 0, OPTIONS_VERSION_NUMBER, "print the version as a number"),
    ASK("help", '?', OPTIONS_HELP, "this text; also after an object or a command"),

    /* repmgr's, so that scripts written for it go on working */
    IGNORED_ARG("remote-user", 'R'),
    IGNORED_ARG("superuser", 'S'),
    IGNORED("log-to-file", 0),
    IGNORED("without-barman", 0),
    IGNORED("check-upstream-config", 0),
};
/* clang-format on */

const size_t option_table_size = sizeof option_table / sizeof option_table[0];
