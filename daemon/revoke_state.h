/* revoke_state.h - what own PostgreSQL says of itself during a revocation. */
#ifndef PGRMOND_REVOKE_STATE_H
#define PGRMOND_REVOKE_STATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lsn.h"

/* The answer to query_revoke_state. */
struct revoke_state {
    bool in_recovery;
    bool empty; /* primary_conninfo, as this session has it */
    bool paused;
    bool conflict;       /* the startup process waits for a reader */
    bool elsewhere;      /* it waits for something that is not WAL */
    char receivers[64];  /* pids of walreceivers, blank between; "" = none */
    pid_t startup;       /* 0 = not seen */
    struct lsn received; /* LSN_UNKNOWN: nothing since the start */
    struct lsn replayed;
    int64_t term; /* highest replayed, 0 = none */
};

void revoke_state_take(struct revoke_state *ret, const PGresult *res);

struct revoke_end;

/* Say how it ended. */
void revoke_log_end(const struct revoke_end *result);

#endif
