/* admission.h - a registration gives the node its state file, and with it a voice
 * (rules D3, M).
 *
 * The first file promises nothing: the daemon votes once it has known a leader. A node
 * that is admitted again, since its file was lost, promises the present term from the
 * start: what it had promised before is not known. */
#ifndef PGRMON_ADMISSION_H
#define PGRMON_ADMISSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "core/core.h"
#include "precheck.h"

/* Append: can the state directory be used, and is a file that is there ours, of this
 * cluster. One that is not is a failure, unless --force sets it aside. */
void admission_check(const struct cmd_context *context,
                     uint64_t system_identifier,
                     struct precheck *list);

/* The record has been written through `primary`: write the first file, unless a valid
 * one is there. It names the cluster, since a witness has no PostgreSQL that could.
 * `again`: the node was registered before. Returns an exit code. */
int admission_write(const struct cmd_context *context,
                    PGconn *primary,
                    enum core_role role,
                    uint64_t system_identifier,
                    bool again,
                    struct err *err) PGRMON_MUST_CHECK;

#endif
