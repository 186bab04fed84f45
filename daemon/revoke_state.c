/* revoke_state.c - see revoke_state.h. */
#include "revoke_state.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "ownpg.h"
#include "queries.h"
#include "revoke.h"

const char *revoke_why_name(enum revoke_why why)
{
    static const char *const names[] = {
        [REVOKE_DONE] = "done",
        [REVOKE_NO_SESSION] = "no session",
        [REVOKE_NOT_STANDBY] = "not standby",
        [REVOKE_REFUSED] = "refused",
        [REVOKE_BLOCKED] = "blocked",
        [REVOKE_RECEIVER] = "receiver",
        [REVOKE_CONFLICT] = "conflict",
        [REVOKE_PAUSED] = "paused",
        [REVOKE_LATE] = "late",
        [REVOKE_UNKNOWN_END] = "unknown end",
    };

    return names[why];
}

static bool equals(const char *text, const char *what)
{
    return text != NULL && strcmp(text, what) == 0;
}

void revoke_state_take(struct revoke_state *state, const PGresult *res)
{
    const char *receivers = query_text(res, 0, 2);
    const char *type = query_text(res, 0, 4);
    const char *wait = query_text(res, 0, 5);

    state->in_recovery = query_bool(res, 0, 0);
    state->empty = query_bool(res, 0, 1);
    (void)snprintf(state->receivers, sizeof state->receivers, "%s",
                   receivers == NULL ? "?" : receivers);
    state->startup = (pid_t)query_int64(res, 0, 3, 0);
    state->conflict = ownpg_is_conflict(type, wait);
    state->elsewhere = state->conflict || equals(wait, "RecoveryPause") ||
                       equals(wait, "RecoveryApplyDelay");
    state->received = query_lsn(res, 0, 6);
    state->replayed = query_lsn(res, 0, 7);
    state->paused = query_bool(res, 0, 8);
    state->term = query_int64(res, 0, 9, 0);
}

void revoke_log_end(const struct revoke_end *result)
{
    char position[LSN_TEXT_SIZE];

    if (!result->ok)
        log_warning("own PostgreSQL may still acknowledge WAL: %s", result->text);
    else if (!result->report.known)
        log_warning("own PostgreSQL receives no WAL any more, but cannot tell what it "
                    "has: %s",
                    result->text);
    else
        log_info("own PostgreSQL receives no WAL any more, it ends at %s of term %lld "
                 "(%lld ms)",
                 lsn_format(result->report.position, position),
                 (long long)result->report.term, (long long)result->took_ms);
}
