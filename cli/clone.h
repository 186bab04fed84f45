/* clone.h - what `standby clone` knows before it begins: source, upstream, target. */
#ifndef PGRMON_CLONE_H
#define PGRMON_CLONE_H

#include <libpq-fe.h>

#include "clone_target.h"
#include "cmd.h"
#include "node.h"
#include "precheck.h"
#include "registration.h"
#include "replication.h"
#include "server.h"

struct clone {
    struct cmd_context *context;
    const char *directory;                 /* to fill; borrowed */
    bool beside;                           /* the old copy may run: it is exchanged for
                                              this one later */
    PGconn *source;                        /* what is copied */
    struct server server;                  /* the same */
    struct nodeset set;                    /* as the source has it */
    const struct node_record *upstream;    /* whom it will stream from; of `set` */
    char label[REGISTRATION_LABEL_SIZE];   /* of the upstream */
    PGconn *upstream_conn;                 /* session to it; NULL: it is the source */
    char *replication_conninfo;            /* of the source, may hold a password */
    char *primary_conninfo;                /* to be written */
    const char *replication_user;          /* borrowed; "" = that of the conninfo */
    char slot[REPLICATION_SLOT_NAME_SIZE]; /* on the upstream; "" = none */
    char *program;                         /* pg_basebackup */
    char *verify_program;                  /* pg_verifybackup, with --verify-backup */
    struct clone_target target;
    struct clone_target *tablespaces; /* directories of tablespaces, as they were */
    char **tablespace_paths;
    int n_tablespaces;
};

void clone_deinit(struct clone *clone);

/* Copy, and write the settings of a standby; what fails is undone. Returns an exit code.
 */
int clone_by_basebackup(struct clone *clone, struct err *err) PGRMON_MUST_CHECK;

/* The session to the upstream. */
PGconn *clone_upstream(const struct clone *clone);

/* Gather; what stands against cloning goes into `list`. Returns an exit code when not
 * even that could be found out. */
int clone_gather(struct clone *clone,
                 struct precheck *list,
                 struct err *err) PGRMON_MUST_CHECK;

/* The part of it that asks the source about its settings, capacity and size. */
int clone_check_source(struct clone *clone,
                       struct precheck *list,
                       struct err *err) PGRMON_MUST_CHECK;

#endif
