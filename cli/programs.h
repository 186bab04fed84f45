/* programs.h - where PostgreSQL's own programs are. */
#ifndef PGRMON_PROGRAMS_H
#define PGRMON_PROGRAMS_H

#include <stdbool.h>

#include "config.h"

/* The path of program `name` ("pg_ctl") of major version `major` (0 = not known): in
 * pg_bindir when that is set, else where Debian and Red Hat put it, else in PATH. The
 * caller frees; NULL when it is nowhere. */
char *programs_find(const struct config *config, const char *name, int major);

/* The major version that a program says it has ("pg_basebackup (PostgreSQL) 15.20"), 0
 * when it cannot be run. */
int programs_version(const char *path);

/* True when this process may act on the data directory for its owner. */
bool programs_is_owner(const char *data_directory);

#endif
