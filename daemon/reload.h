/* reload.h - settings: from the configuration to the core and the log, at start and on
 * SIGHUP. */
#ifndef PGRMOND_RELOAD_H
#define PGRMOND_RELOAD_H

#include "daemon.h"

/* Read the file again, take over what can change, say what cannot, and reopen the log
 * file. A file with errors changes nothing. */
void reload_config(struct daemon *daemon);

/* Open the log as `config` says. `level` NULL: the configured one. */
int reload_open_log(const struct config *config,
                    const char *level,
                    struct err *err) PGRMON_MUST_CHECK;

/* Say what loading found that is no error. */
void reload_log_issues(const struct config *config);

#endif
