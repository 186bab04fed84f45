/* cmd.h - the table of commands: one row and one file (cmd_<object>_<action>.c) each.
 *
 * main.c parses the line against the row's options, loads the configuration, runs the
 * command and prints its error once. A command that changes something gathers, plans,
 * shows the plan (--dry-run) and applies it, in this order. */
#ifndef PGRMON_CMD_H
#define PGRMON_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "err.h"
#include "exit_code.h"

/* Options beyond the general ones; a command lists those that it understands. An option
 * of another command is a warning (as in repmgr), an unknown one an error. */
enum cmd_option {
    CMD_OPT_FORCE = 1 << 0,     /* -F, --force */
    CMD_OPT_DRY_RUN = 1 << 1,   /* --dry-run */
    CMD_OPT_NODE = 1 << 2,      /* --node-id, --node-name */
    CMD_OPT_UPSTREAM = 1 << 3,  /* --upstream-node-id */
    CMD_OPT_WAIT = 1 << 4,      /* -w[n], --wait[=n], -W, --no-wait */
    CMD_OPT_WAIT_SYNC = 1 << 5, /* --wait-sync[=n], --wait-start=n */
    CMD_OPT_FORMAT = 1 << 6,    /* --csv, --json */
    CMD_OPT_TREE = 1 << 7,      /* --tree */
    CMD_OPT_WATCH = 1 << 8,     /* --watch[=seconds] */
    CMD_OPT_EVENTS = 1 << 9,    /* --limit, --all, --event */
    CMD_OPT_KEEP = 1 << 10,     /* -k, --keep-history=days */
    CMD_OPT_CLONE = 1 << 11,    /* -D -c --replication-user --replication-conf-only
                                   --recovery-min-apply-delay --verify-backup */
    CMD_OPT_CHECKS = 1 << 12,   /* --role, --replication-lag, ...; --nagios */
    CMD_OPT_SIBLINGS = 1 << 13, /* --siblings-follow */
    CMD_OPT_JSON = 1 << 14,     /* --json alone */
    CMD_OPT_COMPACT = 1 << 15,  /* --compact */
    CMD_OPT_FOR = 1 << 17,      /* --for=duration */
    CMD_OPT_CONN = 1 << 16,     /* -d -h -p -U; implied by NEED_CONFIG_OR_CONN */
    CMD_OPT_REJOIN = 1 << 18,   /* --clone, --keep, --config-files, ... */
};

/* What a command needs before it runs. */
enum cmd_need {
    CMD_NEED_NOTHING,
    CMD_NEED_CONFIG,         /* a configuration file */
    CMD_NEED_DATA_NODE,      /* that of a node with a PostgreSQL: no witness */
    CMD_NEED_CONFIG_OR_CONN, /* the former, or -d/-h/-p/-U of any node */
};

/* The line, parsed. Strings belong to argv or are NULL. */
struct cmd_line {
    const char *config_file;
    /* -d -h -p -U: another node. For commands: context.source_conninfo, since main
     * hides a password of -d from ps once it is copied. */
    const char *dbname, *host, *port, *username;
    const char *pg_bindir;
    const char *log_level;
    bool verbose, quiet, terse;
    bool force, dry_run;
    int node_id; /* 0 = not given */
    const char *node_name;
    int upstream_node_id; /* 0 = not given */
    bool wait, no_wait;
    int wait_s; /* -1 = default */
    bool wait_sync;
    int wait_sync_s;  /* -1 = for ever */
    int wait_start_s; /* -1 = default */
    bool csv, json, compact, nagios, tree;
    int watch_s; /* 0 = not given */
    int limit;   /* 0 = default */
    bool all;
    const char *event;
    int keep_days;        /* -1 = not given */
    const char *duration; /* --for; NULL = not given */
    const char *pgdata, *replication_user, *recovery_min_apply_delay;
    bool fast_checkpoint, replication_conf_only, verify_backup;
    bool siblings_follow;
    bool clone, keep, force_rewind;
    const char *config_files, *config_archive_dir;
    unsigned checks;  /* bits of enum node_check (node_check.h) */
    const char *word; /* one of the command's, NULL when it has none */
};

struct cmd_context {
    struct cmd_line line;
    struct config config; /* valid when has_config; else built from the conninfo */
    bool has_config;
    char *source_conninfo; /* from -d/-h/-p/-U, NULL when none was given; owned */
};

struct cmd {
    const char *object;   /* "standby" */
    const char *action;   /* "clone" */
    const char *words;    /* "on|off": one of them has to follow; NULL = none */
    const char *summary;  /* one line for the command list */
    const char *details;  /* paragraph(s) for --help */
    const char *examples; /* lines for --help */
    unsigned options;     /* CMD_OPT_* */
    enum cmd_need need;
    /* Returns an enum exit_code (or nagios_code); text of a failure in `err`, which
     * main prints. Results go to standard output, notices to the log. */
    int (*run)(struct cmd_context *context, struct err *err);
};

#define CMD_LIST(X)                                                                    \
    X(primary_register)                                                                \
    X(primary_unregister)                                                              \
    X(standby_clone)                                                                   \
    X(standby_register)                                                                \
    X(standby_unregister)                                                              \
    X(standby_promote)                                                                 \
    X(standby_follow)                                                                  \
    X(witness_register)                                                                \
    X(witness_unregister)                                                              \
    X(node_status)                                                                     \
    X(node_check)                                                                      \
    X(node_rejoin)                                                                     \
    X(node_maintenance)                                                                \
    X(node_guard)                                                                      \
    X(node_release)                                                                    \
    X(cluster_show)                                                                    \
    X(cluster_notes)                                                                   \
    X(cluster_explain)                                                                 \
    X(cluster_event)                                                                   \
    X(cluster_cleanup)                                                                 \
    X(cluster_upgrade)                                                                 \
    X(service_status)                                                                  \
    X(service_pause)                                                                   \
    X(service_unpause)                                                                 \
    X(config_show)                                                                     \
    X(config_check)

#define CMD_DECLARE(name) extern const struct cmd cmd_##name;
CMD_LIST(CMD_DECLARE)
#undef CMD_DECLARE

/* All commands in the order of CMD_LIST, ended by NULL. */
extern const struct cmd *const cmd_table[];

/* The spelling of the table for an object as typed: letters of either case, "master" is
 * "primary". NULL when there is no such object. Actions likewise ("events" is "event").
 */
const char *cmd_object_name(const char *typed);

/* The command, or NULL. `primary|standby status|check` are those of node, and `daemon
 * status|pause|unpause` those of service, as in repmgr. */
const struct cmd *cmd_find(const char *object, const char *action);

/* CMD_OPT_* that the command knows: its own, and CMD_OPT_CONN where its needs imply it.
 */
unsigned cmd_option_bits(const struct cmd *cmd);

/* Where this command connects first: what -d/-h/-p/-U say, else the local node of the
 * configuration. */
const char *cmd_conninfo(const struct cmd_context *context);

#endif
