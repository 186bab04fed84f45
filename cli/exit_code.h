/* exit_code.h - repmgr's exit codes, so that scripts keep working. Codes that pgrmon
 * has no use for (rsync, SSH, Barman) are not listed and never returned. */
#ifndef PGRMON_EXIT_CODE_H
#define PGRMON_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_SUCCESS = 0,
    EXIT_CODE_BAD_CONFIG = 1,    /* configuration, command line, failed precondition */
    EXIT_CODE_BAD_PIDFILE = 3,   /* pgrmond only */
    EXIT_CODE_NO_RESTART = 4,    /* server could not be (re)started */
    EXIT_CODE_LOCAL_COMMAND = 5, /* a local command failed */
    EXIT_CODE_DB_CONN = 6,       /* connection to a database failed */
    EXIT_CODE_DB_QUERY = 7,      /* a query failed */
    EXIT_CODE_PROMOTION = 8,     /* promotion failed */
    EXIT_CODE_SYSTEM = 13,       /* fork, memory, files */
    EXIT_CODE_BASEBACKUP = 14,   /* pg_basebackup failed */
    EXIT_CODE_INTERNAL = 15,     /* a bug */
    EXIT_CODE_REGISTRATION_SYNC = 20, /* record did not reach the standby in time */
    EXIT_CODE_FOLLOW = 23,            /* follow failed */
    EXIT_CODE_REJOIN = 24,            /* rejoin failed */
    EXIT_CODE_NODE_STATUS = 25,       /* status, show or check found a problem */
    EXIT_CODE_PAUSE = 26,             /* a pause was not granted or ended in time */
};

/* What a single `node check --x` exits with (Nagios plugin guidelines). */
enum nagios_code {
    NAGIOS_OK = 0,
    NAGIOS_WARNING = 1,
    NAGIOS_CRITICAL = 2,
    NAGIOS_UNKNOWN = 3,
};

#endif
