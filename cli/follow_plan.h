/* follow_plan.h - what `standby follow` finds out before it changes anything. */
#ifndef PGRMON_FOLLOW_PLAN_H
#define PGRMON_FOLLOW_PLAN_H

#include <libpq-fe.h>

#include "cmd.h"
#include "gather.h"
#include "node.h"
#include "precheck.h"
#include "registration.h"
#include "replication.h"
#include "server.h"

struct follow_plan {
    struct cmd_context *context;
    PGconn *local;
    struct server server;       /* the local one */
    struct core_observation at; /* where it stands */
    struct nodeset set;
    const struct node_record *self;
    int primary_id;                        /* 0 = no reachable primary */
    const struct node_record *target;      /* of `set` */
    char label[REGISTRATION_LABEL_SIZE];   /* of the target */
    PGconn *remote;                        /* session to the target */
    char *conninfo;                        /* primary_conninfo to be */
    char slot[REPLICATION_SLOT_NAME_SIZE]; /* "" without slots */
};

void follow_plan_deinit(struct follow_plan *plan);

/* Find the target and judge whether this standby can stream from it. What stops it goes
 * into `list`; what could not even be asked is returned as an exit code. */
int follow_plan_gather(struct follow_plan *plan,
                       struct precheck *list,
                       struct err *err) PGRMON_MUST_CHECK;

#endif
