/* pgstart.h - with which command line and which log own PostgreSQL is started.
 *
 * As it was started last time, so that whoever starts it (pgrmond, `node rejoin`) does
 * it alike: the words of postmaster.opts, or Debian's configuration file. */
#ifndef PGRMON_PGSTART_H
#define PGRMON_PGSTART_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config.h"

/* A start with options of our own begins them with this one. They are not for the next
 * start, though postmaster.opts lists them: it is cut there. */
#define PGSTART_PRIVATE_NAME  "pgrmon.private"
#define PGSTART_PRIVATE_WORDS "\"-c\" \"" PGSTART_PRIVATE_NAME "=on\""

/* The options of the last start, of the text of postmaster.opts, in the shell's quotes;
 * NULL when it is none. Free it. */
char *pgstart_options_of(const char *text);

/* The postgresql.conf of a Debian cluster, which lies in /etc/postgresql/VERSION/NAME.
 * Free it; NULL when there is none. */
char *pgstart_debian_config(const struct config *config);

/* The options for a start, in the shell's quotes, as pg_ctl -o wants them: of the last
 * one, else those that `config_file` (may be NULL) calls for. Free it; never NULL. */
char *pgstart_options(const struct config *config, const char *config_file);

/* The file for its standard output and error. `remembered` (may be NULL or "") is where
 * it wrote while it ran. Free it. */
char *pgstart_log(const struct config *config,
                  const char *config_file,
                  const char *remembered);

/* The file that a running postmaster's standard error goes to, when it is one; `buf` is
 * untouched otherwise. */
bool pgstart_log_of(pid_t postmaster, char *buf, size_t size);

#endif
