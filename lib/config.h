/* config.h - the settings of one node, from file, environment and defaults.
 *
 * config_table.c holds one row per setting; parsing, validation, `pgrmon config show`,
 * the sample file and the manual page all come from it. Field name = setting name;
 * durations are milliseconds (monitor_interval_secs is monitor_interval_ms).
 * Strings are never NULL: an empty string means that nothing was set. */
#ifndef PGRMON_CONFIG_H
#define PGRMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "log.h"

#define CONFIG_NODE_ID_MAX   65535       /* fits the dense notes of design.md N1 */
#define CONFIG_NODE_NAME_MAX 63          /* bytes; it is also an application_name */
#define CONFIG_LINE_MAX      (16 * 1024) /* bytes of one line; longer ones are refused */
#define CONFIG_FILE_MAX      (1 << 20)   /* bytes of one file */
#define CONFIG_INCLUDE_DEPTH 10          /* levels of include, as in PostgreSQL */

/* No beat is shorter, however short the failover window is. */
#define CONFIG_BEAT_MIN_MS 50

enum config_node_type {
    CONFIG_NODE_DATA,    /* with a PostgreSQL of the cluster, primary or standby */
    CONFIG_NODE_WITNESS, /* a daemon alone, which only votes */
};

enum config_failover {
    CONFIG_FAILOVER_MANUAL,
    CONFIG_FAILOVER_AUTOMATIC,
};

enum config_replication_type {
    CONFIG_REPLICATION_PHYSICAL,
};

enum config_connection_check {
    CONFIG_CHECK_PING,       /* PQping: does it accept connections */
    CONFIG_CHECK_CONNECTION, /* open a new connection */
    CONFIG_CHECK_QUERY,      /* SELECT 1 on the session that is there */
};

enum config_quorum {
    CONFIG_QUORUM_AUTO, /* majority from three voters on; two nodes as repmgr does */
    CONFIG_QUORUM_MAJORITY, /* never promote without one */
};

/* What becomes of a primary whose lease is over (rules L4 to L6). */
enum config_fencing {
    CONFIG_FENCING_FREEZE, /* frozen first, killed when it does not come back */
    CONFIG_FENCING_STOP,   /* killed at once */
    CONFIG_FENCING_OFF,    /* nothing */
};

/* Whether the sentry goes on without the daemon (rule L7). */
enum config_daemon_loss {
    CONFIG_DAEMON_LOSS_FENCE,
    CONFIG_DAEMON_LOSS_KEEP,
};

enum config_quorum_loss {
    CONFIG_QUORUM_LOSS_FENCE,
    CONFIG_QUORUM_LOSS_CONTINUE,
};

/* What a leader's daemon does when it is stopped in good order (rule M4). */
enum config_on_stop {
    CONFIG_ON_STOP_HANDOVER,
    CONFIG_ON_STOP_PAUSE,
    CONFIG_ON_STOP_STOP,
};

enum config_crash_action {
    CONFIG_CRASH_FAILOVER,
    CONFIG_CRASH_RESTART,
};

enum config_start_guard {
    CONFIG_GUARD_READ_ONLY, /* guard_arm() */
    CONFIG_GUARD_HOLD,      /* guard_hold() */
    CONFIG_GUARD_OFF,
};

enum config_log_facility {
    CONFIG_LOG_STDERR,
    CONFIG_LOG_JOURNAL,
    CONFIG_LOG_USER,
    CONFIG_LOG_DAEMON,
    CONFIG_LOG_LOCAL0,
    CONFIG_LOG_LOCAL1,
    CONFIG_LOG_LOCAL2,
    CONFIG_LOG_LOCAL3,
    CONFIG_LOG_LOCAL4,
    CONFIG_LOG_LOCAL5,
    CONFIG_LOG_LOCAL6,
    CONFIG_LOG_LOCAL7,
};

/* Several values of one setting. `items` is NULL-terminated, and NULL when n is 0. */
struct config_list {
    char **items;
    size_t n;
};

/* How bad a finding is. Any CONFIG_ERROR makes config_load() fail. */
enum config_severity {
    CONFIG_INFO,
    CONFIG_WARNING,
    CONFIG_ERROR,
};

/* One finding about the configuration; passwords are redacted already. */
struct config_issue {
    enum config_severity severity;
    char *file; /* NULL when it concerns no file (environment, missing setting) */
    int line;   /* 0 when it concerns no line */
    char *text; /* without file and line: see config_issue_text() */
};

struct config_issues {
    struct config_issue *items;
    size_t n;
    size_t n_errors;
};

/* Where the value of a setting came from. */
enum config_source {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_COMMAND_LINE, /* config_from_conninfo() */
};

struct config_origin {
    enum config_source source;
    char *file; /* CONFIG_FROM_FILE only */
    int line;
};

struct config {
    /* node */
    int node_id; /* 0 only after config_from_conninfo() */
    char *node_name;
    enum config_node_type type;
    char *conninfo; /* must work from every node; may hold a password. Of a witness: the
                       data nodes, libpq's list of hosts */
    char *data_directory; /* "" on a witness */
    char *replication_user;
    enum config_replication_type replication_type;
    char *location;
    int priority; /* 0 = never promoted */
    bool use_replication_slots;
    char *passfile;
    bool use_primary_conninfo_password;
    char *state_directory; /* default filled in: /var/lib/pgrmon/<node_name> */

    /* paths and external commands */
    char *pg_bindir;
    char *pg_ctl_options;
    char *pg_basebackup_options;
    char *service_start_command;
    char *service_reload_command;
    char *service_promote_command;

    /* clone */
    struct config_list tablespace_mapping; /* "old=new" each */
    char *restore_command;
    char *archive_cleanup_command;
    char *recovery_min_apply_delay; /* as PostgreSQL reads it; a bare number means ms */

    /* promote and follow */
    int64_t promote_check_timeout_ms;
    int64_t promote_check_interval_ms;
    int64_t primary_follow_timeout_ms;
    int64_t standby_follow_timeout_ms;
    int64_t node_rejoin_timeout_ms;

    /* failover */
    enum config_failover failover;
    char *promote_command; /* empty = built in */
    char *follow_command;  /* empty = built in */
    enum config_connection_check connection_check_type;
    int reconnect_attempts;
    int64_t reconnect_interval_ms;
    int64_t monitor_interval_ms; /* monitor_interval_secs */
    int64_t startup_patience_ms;
    enum config_quorum quorum;

    /* fencing */
    enum config_fencing fencing;
    enum config_daemon_loss on_daemon_loss;
    enum config_quorum_loss primary_on_quorum_loss;
    enum config_on_stop on_stop;
    enum config_crash_action crash_action;
    enum config_start_guard start_guard;

    /* monitoring history */
    bool monitoring_history;
    int64_t monitoring_history_retention_ms; /* 0 = keep for ever */

    /* logging */
    enum log_level log_level;
    enum config_log_facility log_facility;
    char *log_file;                 /* wins over log_facility */
    int64_t log_status_interval_ms; /* 0 = never */
    char *pid_file;

    /* events */
    char *event_notification_command;
    struct config_list event_notifications; /* event names; empty = all */
    int64_t event_notification_timeout_ms;

    /* thresholds of node check */
    int archive_ready_warning;
    int archive_ready_critical;
    int64_t replication_lag_warning_ms;
    int64_t replication_lag_critical_ms;

    /* not settings */
    char *file;                    /* the file that was read; empty when none was */
    struct config_origin *origins; /* config_setting_count() of them */
    struct config_issues issues;   /* everything that was found, in order */
};

/* Load the configuration: defaults, then the file, then PGRMON_<NAME> variables.
 * `path` NULL means: PGRMON_CONFIG_FILE, ./pgrmon.conf, /etc/pgrmon/pgrmon.conf, first
 * that exists; with none of them the environment alone may do.
 * Returns 0; -ENOENT when there is no file; -EACCES and the like when it cannot be
 * read; -EINVAL when the content was refused: `err` then lists the errors in its
 * detail, and ret->issues holds all of them. Warnings are in ret->issues in every case;
 * the caller reports them. `ret` needs no initialisation and must be given to
 * config_free() whatever is returned. */
int config_load(struct config *ret,
                const char *path,
                struct err *err) PGRMON_MUST_CHECK;

/* A conninfo in place of a file, for CLI commands that only look around: defaults and
 * environment, `conninfo` from the command line, no required settings (node_id is 0,
 * node_name empty). Returns 0 or -EINVAL; config_free() as for config_load(). */
int config_from_conninfo(struct config *ret,
                         const char *conninfo,
                         struct err *err) PGRMON_MUST_CHECK;

/* Release everything. A second call, or one on a zeroed struct, does nothing. */
void config_free(struct config *config);

/* "pgrmon.conf:12: unknown setting ...". The caller frees. */
char *config_issue_text(const struct config_issue *issue);

/* Names of settings; borrowed from the table, never freed. */
struct config_changes {
    const char **changed; /* taken over, NULL-terminated */
    size_t n_changed;
    const char **needs_restart; /* differ, but were left as they are */
    size_t n_needs_restart;
};

/* Take the reloadable settings over from `next` (which was loaded successfully), where
 * they differ, and say what changed. `next` must still be freed, and holds the former
 * values then. Release `ret` with config_changes_deinit(). */
void config_reload(struct config *running,
                   struct config *next,
                   struct config_changes *ret);
void config_changes_deinit(struct config_changes *changes);

/* Timing, all from W = reconnect_attempts x reconnect_interval (design.md section 2).
 */
int64_t config_window_ms(const struct config *config); /* W, the failover window */
int64_t config_beat_ms(const struct config *config);   /* min(monitor interval, W/20) */
int64_t config_lease_ms(const struct config *config);  /* W/2, at least 5 beats */

/* LOG_LOCAL0 and so on of <syslog.h>; -1 for STDERR and JOURNAL. */
int config_syslog_facility(const struct config *config);

/* True when `event` passes event_notifications. */
bool config_event_wanted(const struct config *config, const char *event);

/* For `pgrmon config show`: settings by index, in the order of the sample file. */
size_t config_setting_count(void);
const char *config_setting_name(size_t i);
const char *config_setting_section(size_t i);
bool config_setting_reloadable(size_t i);

/* The value as it would be written in the file, without quotes, passwords redacted. The
 * caller frees. */
char *config_setting_value(const struct config *config, size_t i);

/* "default", "/etc/pgrmon/pgrmon.conf:12", "environment variable PGRMON_PRIORITY",
 * "command line". The caller frees. */
char *config_setting_origin(const struct config *config, size_t i);

/* Generated documentation: the commented sample, and the settings of pgrmon.conf(5). */
void config_write_sample(FILE *out);
void config_write_manual(FILE *out);

/* The words of the enumerations as settings spell them ("automatic"). */
const char *config_failover_name(enum config_failover value);
const char *config_connection_check_name(enum config_connection_check value);
const char *config_quorum_name(enum config_quorum value);

#endif
