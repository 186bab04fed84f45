/* ballot.h - the promise: whom this node supports, when it may support another, what is
 * durable (rules D, L2, V). Pure.
 *
 * One write is under way at most; whoever wants another waits for its end. Nothing is
 * said or done that depends on a write before its end. */
#ifndef PGRMON_CORE_BALLOT_H
#define PGRMON_CORE_BALLOT_H

#include "core/internal.h"

/* D2, D3: begin with what the file holds. */
void ballot_start(struct core *core, const struct core_durable *durable);

/* True when this node has a voice: a valid state file, and it has known a leader. */
bool ballot_may_vote(const struct core *core);

/* Write `wanted`; only while ballot_is_settled(). */
void ballot_save(struct core *core,
                 const struct core_durable *wanted,
                 struct core_effects *out);

/* A write that failed is tried again, before any other. Every step. */
void ballot_save_again(struct core *core, struct core_effects *out);

/* No write is under way or has failed. */
bool ballot_is_settled(const struct core *core);

/* The write `id` ended. One that failed changes nothing; who wanted it tries again. */
void ballot_saved(struct core *core, uint32_t id, bool ok);

/* L2: fresh evidence of the one that we promised to support. */
bool ballot_has_evidence(const struct core *core);

/* Whom our notes support at this moment: a leader or candidate of whom there is
 * evidence, ourselves as a leader or candidate, or nobody (0). */
int ballot_supports(const struct core *core);

/* V1: our promise binds us no more. */
bool ballot_is_free(const struct core *core);

/* V1: the leader that we promised answers as a writable PostgreSQL: nobody is voted for
 * or promoted beside it, whatever its daemon does. */
bool ballot_leader_answers(const struct core *core);

/* When the promise ends or evidence gets stale next: for core_deadline(). */
struct mono ballot_deadline(const struct core *core);

/* What every state but that of a leader does: adopt who leads, grant a candidate. */
void ballot_consider(struct core *core, struct core_effects *out);

/* M1: put into `wanted` which membership is in use, and which both of two confirmed. */
void ballot_note_members(const struct core *core, struct core_durable *wanted);

/* V2: cut own PostgreSQL off and learn what its WAL is worth, if that is called for. */
void ballot_revoke(struct core *core, struct core_effects *out);
void ballot_revoked(struct core *core,
                    uint32_t id,
                    bool ok,
                    const struct core_report *report);

/* What own WAL is worth. A claim (C7) has no report of a standby: its WAL is what it
 * was last seen to be. */
struct core_report ballot_own_report(const struct core *core);

/* Less than zero when the report `a` is behind `b` (P4.1, P4.2). Unknown is behind
 * all. */
int ballot_report_cmp(const struct core_report *a, const struct core_report *b);

#endif
