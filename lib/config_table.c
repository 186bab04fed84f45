/* config_table.c - one row per setting; everything else about settings follows from it.
 *
 * Order is that of the sample file. Defaults are repmgr's, except:
 * use_replication_slots is on, reconnect_attempts and reconnect_interval make a window
 * of 10 seconds instead of 60, and the commands that repmgr requires are built in. */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "config_private.h"

static const struct config_word replication_types[] = {
    {"physical", CONFIG_REPLICATION_PHYSICAL},
    {NULL,       0                          },
};

static const struct config_word node_types[] = {
    {"data",    CONFIG_NODE_DATA   },
    {"auto",    CONFIG_NODE_DATA   },
    {"witness", CONFIG_NODE_WITNESS},
    {NULL,      0                  },
};

const struct config_word config_failover_words[] = {
    {"manual",    CONFIG_FAILOVER_MANUAL   },
    {"automatic", CONFIG_FAILOVER_AUTOMATIC},
    {NULL,        0                        },
};

const struct config_word config_check_words[] = {
    {"ping",       CONFIG_CHECK_PING      },
    {"connection", CONFIG_CHECK_CONNECTION},
    {"query",      CONFIG_CHECK_QUERY     },
    {NULL,         0                      },
};

const struct config_word config_quorum_words[] = {
    {"auto",     CONFIG_QUORUM_AUTO    },
    {"majority", CONFIG_QUORUM_MAJORITY},
    {NULL,       0                     },
};

static const struct config_word fencing_words[] = {
    {"freeze", CONFIG_FENCING_FREEZE},
    {"stop",   CONFIG_FENCING_STOP  },
    {"off",    CONFIG_FENCING_OFF   },
    {NULL,     0                    },
};

static const struct config_word daemon_loss_words[] = {
    {"fence", CONFIG_DAEMON_LOSS_FENCE},
    {"keep",  CONFIG_DAEMON_LOSS_KEEP },
    {NULL,    0                       },
};

static const struct config_word quorum_loss_words[] = {
    {"fence",    CONFIG_QUORUM_LOSS_FENCE   },
    {"continue", CONFIG_QUORUM_LOSS_CONTINUE},
    {NULL,       0                          },
};

static const struct config_word on_stop_words[] = {
    {"handover", CONFIG_ON_STOP_HANDOVER},
    {"pause",    CONFIG_ON_STOP_PAUSE   },
    {"stop",     CONFIG_ON_STOP_STOP    },
    {NULL,       0                      },
};

static const struct config_word crash_words[] = {
    {"failover", CONFIG_CRASH_FAILOVER},
    {"restart",  CONFIG_CRASH_RESTART },
    {NULL,       0                    },
};

static const struct config_word guard_words[] = {
    {"read-only", CONFIG_GUARD_READ_ONLY},
    {"hold",      CONFIG_GUARD_HOLD     },
    {"off",       CONFIG_GUARD_OFF      },
    {NULL,        0                     },
};

/* The first word of a value is how it is shown. */
static const struct config_word log_levels[] = {
    {"DEBUG",   LOG_LEVEL_DEBUG  },
    {"INFO",    LOG_LEVEL_INFO   },
    {"NOTICE",  LOG_LEVEL_NOTICE },
    {"WARNING", LOG_LEVEL_WARNING},
    {"ERROR",   LOG_LEVEL_ERROR  },
    {"ALERT",   LOG_LEVEL_ERROR  },
    {"CRIT",    LOG_LEVEL_ERROR  },
    {"EMERG",   LOG_LEVEL_ERROR  },
    {NULL,      0                },
};

static const struct config_word log_facilities[] = {
    {"STDERR",  CONFIG_LOG_STDERR },
    {"JOURNAL", CONFIG_LOG_JOURNAL},
    {"USER",    CONFIG_LOG_USER   },
    {"DAEMON",  CONFIG_LOG_DAEMON },
    {"LOCAL0",  CONFIG_LOG_LOCAL0 },
    {"LOCAL1",  CONFIG_LOG_LOCAL1 },
    {"LOCAL2",  CONFIG_LOG_LOCAL2 },
    {"LOCAL3",  CONFIG_LOG_LOCAL3 },
    {"LOCAL4",  CONFIG_LOG_LOCAL4 },
    {"LOCAL5",  CONFIG_LOG_LOCAL5 },
    {"LOCAL6",  CONFIG_LOG_LOCAL6 },
    {"LOCAL7",  CONFIG_LOG_LOCAL7 },
    {NULL,      0                 },
};

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

#define NODE     "Node"
#define COMMANDS "Paths and external commands"
#define CLONE    "Cloning"
#define PROMOTE  "Promoting and following"
#define FAILOVER "Failover"
#define FENCING  "Fencing"
#define HISTORY  "Monitoring history"
#define LOGGING  "Logging"
#define EVENTS   "Events"
#define CHECKS   "Thresholds of node check"

#define AT(field)              .offset = offsetof(struct config, field)
#define RELOADABLE             .reloadable = true
#define REQUIRED(text)         .required = true, .example = (text)
#define RANGE(lowest, highest) .min = (lowest), .max = (highest)

/* clang-format off */
const struct config_row config_table[] = {
    {.name = "node_id", .section = NODE, .type = CONFIG_TYPE_INT, AT(node_id),
     .fallback = "", RANGE(1, CONFIG_NODE_ID_MAX), REQUIRED("1"),
     .help = "The number of this node, from 1 to 65535, unique in the cluster. The lowest "
             "one wins where everything else is equal."},
    {.name = "node_name", .section = NODE, .type = CONFIG_TYPE_STRING, AT(node_name),
     .fallback = "", .check = config_check_node_name, REQUIRED("node1"),
     .help = "The name of this node, unique in the cluster: up to 63 printable ASCII "
             "characters. It is also the application_name of a standby's replication "
             "connection, as synchronous_standby_names uses it."},
    {.name = "type", .section = NODE, .type = CONFIG_TYPE_ENUM, AT(type),
     .fallback = "data", .words = node_types,
     .help = "data: this node has a PostgreSQL of the cluster, be it primary or standby. "
             "witness: it has none; its pgrmond only votes, so that two data nodes have a "
             "majority when one of them is lost. A witness should not share a host with "
             "them, and its data_directory is left out."},
    {.name = "conninfo", .section = NODE, .type = CONFIG_TYPE_CONNINFO, AT(conninfo),
     .fallback = "", REQUIRED("host=node1 user=pgrmon dbname=pgrmon connect_timeout=2"),
     .help = "How to connect to this node's PostgreSQL, as a connection string or URI of "
             "libpq. It must work from every node of the cluster, since it is stored in "
             "the metadata. Use a password file rather than a password. On a witness it names "
             "the data nodes instead: \"host=node1,node2 user=pgrmon ...\"."},
    {.name = "data_directory", .section = NODE, .type = CONFIG_TYPE_PATH,
     AT(data_directory), .fallback = "", REQUIRED("/var/lib/postgresql/15/main"),
     .help = "PostgreSQL's data directory on this node. A witness has none."},
    {.name = "replication_user", .section = NODE, .type = CONFIG_TYPE_STRING,
     AT(replication_user), .fallback = "", RELOADABLE,
     .help = "The role that standbys replicate with. When empty, it is the user of "
             "conninfo."},
    {.name = "replication_type", .section = NODE, .type = CONFIG_TYPE_ENUM,
     AT(replication_type), .fallback = "physical", .words = replication_types,
     .help = "Only physical replication is supported."},
    {.name = "location", .section = NODE, .type = CONFIG_TYPE_STRING, AT(location),
     .fallback = "default", .check = config_check_location, RELOADABLE,
     .help = "The site that this node is at, any text."},
    {.name = "priority", .section = NODE, .type = CONFIG_TYPE_INT, AT(priority),
     .fallback = "100", RANGE(0, 1000000), RELOADABLE,
     .help = "Of standbys that hold the same WAL, the one with the highest priority is "
             "promoted. 0 means never."},
    {.name = "use_replication_slots", .section = NODE, .type = CONFIG_TYPE_BOOL,
     AT(use_replication_slots), .fallback = "yes", RELOADABLE,
     .help = "Give each standby a physical replication slot on its upstream, so that the "
             "WAL it needs is kept. (repmgr's default is no.)"},
    {.name = "passfile", .section = NODE, .type = CONFIG_TYPE_PATH, AT(passfile),
     .fallback = "", RELOADABLE,
     .help = "The password file for a standby's primary_conninfo. When empty, libpq's "
             "usual one."},
    {.name = "use_primary_conninfo_password", .section = NODE, .type = CONFIG_TYPE_BOOL,
     AT(use_primary_conninfo_password), .fallback = "no", RELOADABLE,
     .help = "Write the replication password into a standby's primary_conninfo. A "
             "password file is safer."},
    {.name = "state_directory", .section = NODE, .type = CONFIG_TYPE_PATH,
     AT(state_directory), .fallback = "",
     .help = "Where the daemon keeps what must survive a restart. When empty, "
             "/var/lib/pgrmon/ followed by node_name. It is made by a registration, where "
             "its parent is there and may be written to. Never share, copy or restore it."},

    {.name = "pg_bindir", .section = COMMANDS, .type = CONFIG_TYPE_PATH, AT(pg_bindir),
     .fallback = "", RELOADABLE,
     .help = "The directory of pg_ctl, pg_basebackup and pg_rewind. When empty, they are "
             "found in PATH."},
    {.name = "pg_ctl_options", .section = COMMANDS, .type = CONFIG_TYPE_STRING,
     AT(pg_ctl_options), .fallback = "", RELOADABLE,
     .help = "More options for pg_ctl."},
    {.name = "pg_basebackup_options", .section = COMMANDS, .type = CONFIG_TYPE_STRING,
     AT(pg_basebackup_options), .fallback = "", RELOADABLE,
     .help = "More options for pg_basebackup."},
    {.name = "service_start_command", .section = COMMANDS, .type = CONFIG_TYPE_STRING,
     AT(service_start_command), .fallback = "", RELOADABLE,
     .help = "How PostgreSQL is started, for example \"sudo systemctl start "
             "postgresql@15-main\". When empty, by pg_ctl."},
    {.name = "service_reload_command", .section = COMMANDS, .type = CONFIG_TYPE_STRING,
     AT(service_reload_command), .fallback = "", RELOADABLE,
     .help = "How PostgreSQL is told to read its configuration again. When empty, by "
             "pg_ctl."},
    {.name = "service_promote_command", .section = COMMANDS, .type = CONFIG_TYPE_STRING,
     AT(service_promote_command), .fallback = "", .check = config_check_promote_service,
     RELOADABLE,
     .help = "How PostgreSQL itself is promoted, by \"standby promote\" too. When empty, "
             "by pg_ctl, or by pg_promote() where pg_ctl is not at hand. It must not run "
             "\"standby promote\"."},

    {.name = "tablespace_mapping", .section = CLONE, .type = CONFIG_TYPE_MAPPING,
     AT(tablespace_mapping), .fallback = "", .check = config_check_mapping, RELOADABLE,
     .help = "Move a tablespace while cloning: /old=/new, two absolute paths. Repeat the "
             "setting for each tablespace."},
    {.name = "restore_command", .section = CLONE, .type = CONFIG_TYPE_STRING,
     AT(restore_command), .fallback = "", RELOADABLE,
     .help = "PostgreSQL's restore_command for a new standby."},
    {.name = "archive_cleanup_command", .section = CLONE, .type = CONFIG_TYPE_STRING,
     AT(archive_cleanup_command), .fallback = "", RELOADABLE,
     .help = "PostgreSQL's archive_cleanup_command for a new standby."},
    {.name = "recovery_min_apply_delay", .section = CLONE, .type = CONFIG_TYPE_STRING,
     AT(recovery_min_apply_delay), .fallback = "", .check = config_check_delay,
     RELOADABLE,
     .help = "PostgreSQL's recovery_min_apply_delay for a new standby. It is passed on as "
             "it is, so a bare number means milliseconds here."},

    {.name = "promote_check_timeout", .section = PROMOTE, .type = CONFIG_TYPE_DURATION,
     AT(promote_check_timeout_ms), .fallback = "1min", RANGE(SECOND, DAY), RELOADABLE,
     .help = "How long to wait for a promotion to finish."},
    {.name = "promote_check_interval", .section = PROMOTE, .type = CONFIG_TYPE_DURATION,
     AT(promote_check_interval_ms), .fallback = "1s", RANGE(10, HOUR), RELOADABLE,
     .help = "How often to look whether it has."},
    {.name = "primary_follow_timeout", .section = PROMOTE, .type = CONFIG_TYPE_DURATION,
     AT(primary_follow_timeout_ms), .fallback = "1min", RANGE(0, DAY), RELOADABLE,
     .help = "How long \"standby follow --wait\" waits for a primary to appear."},
    {.name = "standby_follow_timeout", .section = PROMOTE, .type = CONFIG_TYPE_DURATION,
     AT(standby_follow_timeout_ms), .fallback = "30s", RANGE(0, DAY), RELOADABLE,
     .help = "How long to wait for a standby to stream from its new upstream."},
    {.name = "node_rejoin_timeout", .section = PROMOTE, .type = CONFIG_TYPE_DURATION,
     AT(node_rejoin_timeout_ms), .fallback = "1min", RANGE(0, DAY), RELOADABLE,
     .help = "How long \"node rejoin\" waits for the node to stream from the leader."},

    {.name = "failover", .section = FAILOVER, .type = CONFIG_TYPE_ENUM, AT(failover),
     .fallback = "manual", .words = config_failover_words, RELOADABLE,
     .help = "Whether this node may be elected when the primary is gone: manual or "
             "automatic. With manual it watches, votes, and follows a new primary."},
    {.name = "promote_command", .section = FAILOVER, .type = CONFIG_TYPE_STRING,
     AT(promote_command), .fallback = "", RELOADABLE,
     .help = "What the daemon runs to promote this node. When empty, it is built in. "
             "repmgr's usual command must not be kept: it would change repmgr's cluster."},
    {.name = "follow_command", .section = FAILOVER, .type = CONFIG_TYPE_STRING,
     AT(follow_command), .fallback = "", RELOADABLE,
     .help = "What the daemon runs to make this node follow another, where %n stands for "
             "the ID of the new upstream. When empty, it is built in."},
    {.name = "connection_check_type", .section = FAILOVER, .type = CONFIG_TYPE_ENUM,
     AT(connection_check_type), .fallback = "ping", .words = config_check_words,
     RELOADABLE,
     .help = "How the upstream is checked: ping (does it accept connections), connection "
             "(open a new one) or query (on the session that is there)."},
    {.name = "reconnect_attempts", .section = FAILOVER, .type = CONFIG_TYPE_INT,
     AT(reconnect_attempts), .fallback = "5", RANGE(1, 1000), RELOADABLE,
     .help = "How many times an upstream is tried before it counts as failed. "
             "reconnect_attempts times reconnect_interval is the failover window, from "
             "which all other times follow. (repmgr's default is 6.)"},
    {.name = "reconnect_interval", .section = FAILOVER, .type = CONFIG_TYPE_DURATION,
     AT(reconnect_interval_ms), .fallback = "2s", RANGE(50, HOUR), RELOADABLE,
     .help = "The time between two attempts. The failover window must be 500ms at least. "
             "(repmgr's default is 10 seconds.)"},
    {.name = "monitor_interval_secs", .section = FAILOVER, .type = CONFIG_TYPE_DURATION,
     AT(monitor_interval_ms), .fallback = "2s", RANGE(50, HOUR), RELOADABLE,
     .help = "The longest time between two looks at a node. They come more often where "
             "the failover window asks for it: 20 times within it."},
    {.name = "startup_patience", .section = FAILOVER, .type = CONFIG_TYPE_DURATION,
     AT(startup_patience_ms), .fallback = "5min", RANGE(0, DAY), RELOADABLE,
     .help = "How long a PostgreSQL that says that it is starting, recovering or shutting "
             "down counts as alive."},
    {.name = "quorum", .section = FAILOVER, .type = CONFIG_TYPE_ENUM, AT(quorum),
     .fallback = "auto", .words = config_quorum_words, RELOADABLE,
     .help = "auto: from three nodes on, nobody is promoted without the votes of a majority; "
             "of two nodes, the standby promotes itself, which a partition between them "
             "turns into two primaries. majority: never without a majority."},

    {.name = "fencing", .section = FENCING, .type = CONFIG_TYPE_ENUM, AT(fencing),
     .fallback = "freeze", .words = fencing_words, RELOADABLE,
     .help = "What happens to a primary that a majority has not supported for half of the "
             "failover window. freeze: its processes are stopped in an instant, go on when "
             "the majority is back, and are killed after the whole window, before the "
             "others can have elected another primary; clients see a pause. stop: killed at "
             "once. off: nothing, so that two primaries can accept writes at the same time."},
    {.name = "on_daemon_loss", .section = FENCING, .type = CONFIG_TYPE_ENUM,
     AT(on_daemon_loss), .fallback = "fence", .words = daemon_loss_words, RELOADABLE,
     .help = "What happens to a primary whose daemon is gone and not started again in "
             "time. fence: a small process that the daemon leaves behind, the sentry, "
             "fences it when its lease is over. keep: it goes on. The others elect nobody "
             "while they reach its PostgreSQL; cut off from them it is a second primary. "
             "The same value belongs on all nodes."},
    {.name = "primary_on_quorum_loss", .section = FENCING, .type = CONFIG_TYPE_ENUM,
     AT(primary_on_quorum_loss), .fallback = "fence", .words = quorum_loss_words,
     RELOADABLE,
     .help = "What a primary does that reaches no majority. fence: see fencing. continue: "
             "it goes on accepting writes, which are lost when the others have elected "
             "another primary."},
    {.name = "on_stop", .section = FENCING, .type = CONFIG_TYPE_ENUM, AT(on_stop),
     .fallback = "pause", .words = on_stop_words, RELOADABLE,
     .help = "What a primary's daemon does when it is stopped in good order. pause: "
             "PostgreSQL goes on, without a lease and unfenced, until the daemon is started "
             "again; nobody is elected beside it as long as it answers. handover: stop "
             "PostgreSQL and give up the term, so that another node is the primary at once. "
             "stop: stop PostgreSQL; another node leads after the window."},
    {.name = "crash_action", .section = FENCING, .type = CONFIG_TYPE_ENUM,
     AT(crash_action), .fallback = "failover", .words = crash_words, RELOADABLE,
     .help = "What follows when a primary's PostgreSQL has crashed. failover: another "
             "node is elected at once. restart: one quick restart is tried first, "
             "within the window, so that the tail that was not sent yet is not lost."},
    {.name = "start_guard", .section = FENCING, .type = CONFIG_TYPE_ENUM,
     AT(start_guard), .fallback = "read-only", .words = guard_words, RELOADABLE,
     .help = "How a former primary comes up when somebody other than pgrmond starts it. "
             "read-only: as a standby (standby.signal in its data directory), until it is "
             "elected; its unlogged tables are empty then. hold: where pgrmond's "
             "sentry ended it, not at all (a file recovery.conf) until pgrmond starts it, "
             "as a standby; else as read-only. "
             "off: writable, although another primary may have been elected."},

    {.name = "monitoring_history", .section = HISTORY, .type = CONFIG_TYPE_BOOL,
     AT(monitoring_history), .fallback = "no", RELOADABLE,
     .help = "Record the state of replication in the table monitoring_history."},
    {.name = "monitoring_history_retention", .section = HISTORY,
     .type = CONFIG_TYPE_DURATION, AT(monitoring_history_retention_ms),
     .fallback = "30d", RANGE(0, 36500 * DAY), RELOADABLE,
     .help = "How long its rows are kept. 0 means for ever."},

    {.name = "log_level", .section = LOGGING, .type = CONFIG_TYPE_ENUM, AT(log_level),
     .fallback = "INFO", .words = log_levels, RELOADABLE,
     .help = "DEBUG, INFO, NOTICE, WARNING or ERROR. (ALERT, CRIT and EMERG mean ERROR.)"},
    {.name = "log_facility", .section = LOGGING, .type = CONFIG_TYPE_ENUM,
     AT(log_facility), .fallback = "STDERR", .words = log_facilities, RELOADABLE,
     .help = "Where the daemon's log goes: STDERR, JOURNAL (systemd), or a facility of "
             "syslog: USER, DAEMON, LOCAL0 to LOCAL7."},
    {.name = "log_file", .section = LOGGING, .type = CONFIG_TYPE_PATH, AT(log_file),
     .fallback = "", RELOADABLE,
     .help = "A file for the daemon's log, in place of log_facility. It is opened again "
             "on SIGHUP."},
    {.name = "log_status_interval", .section = LOGGING, .type = CONFIG_TYPE_DURATION,
     AT(log_status_interval_ms), .fallback = "5min", RANGE(0, DAY), RELOADABLE,
     .help = "How often the daemon logs that all is well. 0 means never."},
    {.name = "pid_file", .alias = "repmgrd_pid_file", .section = LOGGING,
     .type = CONFIG_TYPE_PATH, AT(pid_file), .fallback = "",
     .help = "A file for the daemon's process ID. When empty, there is none. repmgr's "
             "name repmgrd_pid_file is accepted too."},

    {.name = "event_notification_command", .section = EVENTS, .type = CONFIG_TYPE_STRING,
     AT(event_notification_command), .fallback = "", RELOADABLE,
     .help = "A command to run at events. Placeholders: %n ID of the node, %e event, %s "
             "success (1 or 0), %t time, %d details, %a name of the node, %c conninfo of "
             "the primary, %p ID of the former primary."},
    {.name = "event_notifications", .section = EVENTS, .type = CONFIG_TYPE_LIST,
     AT(event_notifications), .fallback = "", .check = config_check_event, RELOADABLE,
     .help = "The events to run it at, separated by commas. When empty, all."},
    {.name = "event_notification_timeout", .section = EVENTS,
     .type = CONFIG_TYPE_DURATION, AT(event_notification_timeout_ms),
     .fallback = "1min", RANGE(SECOND, DAY), RELOADABLE,
     .help = "When it has not finished by then, it is killed."},

    {.name = "archive_ready_warning", .section = CHECKS, .type = CONFIG_TYPE_INT,
     AT(archive_ready_warning), .fallback = "16", RANGE(0, 1000000000), RELOADABLE,
     .help = "This many WAL files waiting for the archive are a warning."},
    {.name = "archive_ready_critical", .section = CHECKS, .type = CONFIG_TYPE_INT,
     AT(archive_ready_critical), .fallback = "128", RANGE(0, 1000000000), RELOADABLE,
     .help = "This many are critical."},
    {.name = "replication_lag_warning", .section = CHECKS, .type = CONFIG_TYPE_DURATION,
     AT(replication_lag_warning_ms), .fallback = "5min", RANGE(0, 365 * DAY), RELOADABLE,
     .help = "A standby this far behind is a warning."},
    {.name = "replication_lag_critical", .section = CHECKS, .type = CONFIG_TYPE_DURATION,
     AT(replication_lag_critical_ms), .fallback = "10min", RANGE(0, 365 * DAY),
     RELOADABLE,
     .help = "A standby this far behind is critical."},
};
/* clang-format on */

const size_t config_table_size = sizeof config_table / sizeof *config_table;

#define NO_SSH       "pgrmon needs no SSH"
#define NO_BARMAN    "pgrmon clones with pg_basebackup only"
#define NO_CHILDREN  "the nodes themselves decide by majority"
#define NO_WITNESS   "a witness has no PostgreSQL to keep up to date"
#define NO_SERVICE   "pgrmon does not start or stop its own daemon"
#define NO_STOP      "pgrmon stops PostgreSQL with pg_ctl"
#define NO_SWITCH    "pgrmon has no \"standby switchover\" yet"
#define NO_DEGRADED  "pgrmon never gives up monitoring"
#define NO_BDR       "only physical replication is supported"
#define ALL_DEADLINE "every wait has a deadline that follows from the failover window"
#define ALL_QUORUM   "a quorum is always asked"
#define RENAMED(now) "its name is \"" now "\" since repmgr 4"

/* Every other name of repmgr 4 and 5, and those of repmgr 3 that these warn about. */
const struct config_ignored config_ignored[] = {
    {"always_promote",                        ALL_QUORUM                                          },
    {"async_query_timeout",                   ALL_DEADLINE                                        },
    {"barman_config",                         NO_BARMAN                                           },
    {"barman_host",                           NO_BARMAN                                           },
    {"barman_server",                         NO_BARMAN                                           },
    {"bdr_local_monitoring_only",             NO_BDR                                              },
    {"bdr_recovery_timeout",                  NO_BDR                                              },
    {"child_nodes_check_interval",            NO_CHILDREN                                         },
    {"child_nodes_connected_include_witness", NO_CHILDREN                                         },
    {"child_nodes_connected_min_count",       NO_CHILDREN                                         },
    {"child_nodes_disconnect_command",        NO_CHILDREN                                         },
    {"child_nodes_disconnect_min_count",      NO_CHILDREN                                         },
    {"child_nodes_disconnect_timeout",        NO_CHILDREN                                         },
    {"cluster",                               "the metadata is in the schema \"pgrmon\""          },
    {"cluster_name",                          "the metadata is in the schema \"pgrmon\""          },
    {"config_directory",                      "PostgreSQL is asked where its files are"           },
    {"connection_check_query",                "the query is always SELECT 1"                      },
    {"degraded_monitoring_timeout",           NO_DEGRADED                                         },
    {"election_rerun_interval",               "elections are repeated by themselves"              },
    {"failover_delay",                        ALL_DEADLINE                                        },
    {"failover_validation_command",           ALL_QUORUM                                          },
    {"logfacility",                           RENAMED("log_facility")                             },
    {"logfile",                               RENAMED("log_file")                                 },
    {"loglevel",                              RENAMED("log_level")                                },
    {"master_response_timeout",               ALL_DEADLINE                                        },
    {"node",                                  RENAMED("node_id")                                  },
    {"pg_backupapi_backup_id",                NO_BARMAN                                           },
    {"pg_backupapi_host",                     NO_BARMAN                                           },
    {"pg_backupapi_node_name",                NO_BARMAN                                           },
    {"pg_backupapi_remote_ssh_command",       NO_BARMAN                                           },
    {"primary_notification_timeout",          "standbys look for the new primary themselves"      },
    {"primary_response_timeout",              ALL_DEADLINE                                        },
    {"primary_visibility_consensus",          ALL_QUORUM                                          },
    {"promote_delay",                         ALL_DEADLINE                                        },
    {"reconnect_loop_sync",                   "every node looks for itself, and all vote"         },
    {"repmgr_bindir",                         "repmgr is not used"                                },
    {"repmgrd_exit_on_inactive_node",         "the daemon waits until its node is there"          },
    {"repmgrd_service_start_command",         NO_SERVICE                                          },
    {"repmgrd_service_stop_command",          NO_SERVICE                                          },
    {"repmgrd_standby_startup_timeout",       "the daemon waits until its node is there"          },
    {"retry_promote_interval_secs",           "elections are repeated by themselves"              },
    {"rsync_options",                         NO_SSH " and no rsync"                              },
    {"service_restart_command",               NO_STOP                                             },
    {"service_stop_command",                  NO_STOP                                             },
    {"shutdown_check_timeout",                NO_SWITCH                                           },
    {"sibling_nodes_disconnect_timeout",      ALL_DEADLINE                                        },
    {"ssh_options",                           NO_SSH                                              },
    {"standby_disconnect_on_failover",        "a standby's report counts only when it no "
                                       "longer receives WAL"},
    {"standby_follow_restart",                "PostgreSQL 13 and later follow by a reload"        },
    {"standby_reconnect_timeout",             NO_SWITCH                                           },
    {"upstream_node",                         "name the upstream with --upstream-node-id"         },
    {"use_rsync",                             NO_SSH " and no rsync"                              },
    {"wal_receive_check_timeout",             NO_SWITCH                                           },
    {"witness_repl_nodes_sync_interval_secs", NO_WITNESS                                          },
    {"witness_sync_interval",                 NO_WITNESS                                          },
};

const size_t config_ignored_size = sizeof config_ignored / sizeof *config_ignored;

int config_table_find(const char *name)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];

        if (strcasecmp(name, row->name) == 0 ||
            (row->alias != NULL && strcasecmp(name, row->alias) == 0))
            return (int)i;
    }
    return -1;
}

const struct config_ignored *config_ignored_find(const char *name)
{
    for (size_t i = 0; i < config_ignored_size; i++)
        if (strcasecmp(name, config_ignored[i].name) == 0)
            return &config_ignored[i];
    return NULL;
}

/* Longer names are near to nothing. */
#define NAME_MAX_LENGTH 64

static size_t least(size_t a, size_t b, size_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Levenshtein's distance, upper and lower case alike; two rows of the matrix. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LENGTH + 1], diagonal, above, n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            above = row[j + 1];
            row[j + 1] = least(above + 1, row[j] + 1,
                               diagonal + (strncasecmp(a + i, b + j, 1) != 0));
            diagonal = above;
        }
    }
    return row[n];
}

const char *config_suggest(const char *name)
{
    size_t len = strlen(name), best = len / 5 + 2, distance;
    const char *found = NULL;

    if (len < 3 || len > NAME_MAX_LENGTH)
        return NULL;
    for (size_t i = 0; i < config_table_size; i++) {
        distance = edit_distance(name, config_table[i].name);
        if (distance < best) {
            best = distance;
            found = config_table[i].name;
        }
    }
    return found;
}
