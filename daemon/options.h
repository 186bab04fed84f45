/* options.h - the command line of pgrmond. */
#ifndef PGRMOND_OPTIONS_H
#define PGRMOND_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "err.h"

/* What the line asks for. */
enum options_ask {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_SHOW_PID_FILE, /* print where the PID file would be, and end */
};

/* Strings belong to argv or are NULL. */
struct options {
    enum options_ask ask;
    const char *config_file;
    bool daemonize;
    const char *pid_file;
    bool no_pid_file;
    const char *log_level;
};

/* Read the line. Returns 0, or -EINVAL with the error's text. */
int options_parse(int argc, char **argv, struct options *ret, struct err *err)
    PGRMON_MUST_CHECK;

/* Print the --help text. */
void options_help(FILE *out);

#endif
