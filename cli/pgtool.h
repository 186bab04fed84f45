/* pgtool.h - giving a program of PostgreSQL a connection and not showing its password.
 */
#ifndef PGRMON_PGTOOL_H
#define PGRMON_PGTOOL_H

#include <stdbool.h>

#include "err.h"

/* The conninfo that arguments may show, without passwords; a dead network is noticed
 * within a minute. `secret`: a password goes by pgtool_password_file(). Returns an exit
 * code; free `*ret`. */
int pgtool_conninfo(char **ret, const char *conninfo, bool secret, struct err *err)
    PGRMON_MUST_CHECK;

/* A descriptor of an anonymous file in the form of ~/.pgpass that answers with
 * `password` to all; for PGPASSFILE=/proc/self/fd/N. Negative when there is none. */
int pgtool_password_file(const char *password);

/* close() as a cleanup attribute; negative is none. */
void pgtool_close(int *fd);

#endif
