/* core_fixture.h - cores in a known situation, for the tests of lib/core.
 *
 * A cluster of `n`: node 1 is the primary, the others its standbys, all alike. The core
 * under test is that of node 2, unless a test says otherwise. Everything is of term 1
 * and of membership version 1. */
#ifndef PGRMON_CORE_FIXTURE_H
#define PGRMON_CORE_FIXTURE_H

#include "core/elect.h"
#include "core/view.h"
#include "unit.h"

#define FIXTURE_SELF   2
#define FIXTURE_SYSTEM UINT64_C(77)
#define FIXTURE_BEAT   300
#define FIXTURE_SIGN   750  /* S */
#define FIXTURE_W      6000 /* 3 attempts, 2 seconds apart */
#define FIXTURE_BOOT   5    /* of our own host */

/* ---- what is given to a core ----------------------------------------------------- */

/* 3 attempts, 2 seconds apart, a beat of 300 ms. */
struct core_settings fixture_settings(void);

/* A state file: a follower that promised term 1 to node 1; the leader of term 1. */
struct core_durable fixture_follower(void);
struct core_durable fixture_leader(void);

/* What a healthy standby, and a healthy primary, say now. */
struct core_observation fixture_standby(int id);
struct core_observation fixture_primary(int id);

/* A failed probe. */
struct core_observation fixture_failed(int id, enum reach reach);

/* A note of the daemon of `id`. Its stamp is set when it is heard. */
struct core_note
fixture_note(int id, enum core_phase phase, int64_t term, int leader_id);

/* One that supports nobody, and has a report: term 1, position 0x1000. */
struct core_note fixture_ask(int id);

/* A ballot for us, that echoes what we wrote at `echo_ms`; its report as above. */
struct core_note fixture_ballot(int id, int64_t term, int64_t echo_ms);

/* ---- cores ----------------------------------------------------------------------- */

/* A core with `n` members, all recorded, that has not seen anybody yet. */
struct core fixture_core(int n);

/* Let the core take `seen`, as the present answer, without a step. */
void fixture_see(struct core *core, struct core_observation seen);

/* Let it take `note`, as one that it has seen advance just now, without a step. */
void fixture_hear(struct core *core, struct core_note note);

/* CORE_ELECTING with a complete survey: node 1 refuses and its window is over, all
 * others are healthy standbys whose daemons ask, own report is known. Nothing keeps
 * node 2 from standing as a candidate. */
struct core fixture_electing(int n);

/* The view, peer or record of a node, to change it. */
struct core_view *fixture_view(struct core *core, int id);
struct core_peer *fixture_peer(struct core *core, int id);
struct core_member *fixture_member(struct core *core, int id);

/* ---- steps through the public interface ------------------------------------------ */

/* `at` is in ms. The effects are static, valid until the next step. */
const struct core_effects *
step_start(struct core *core, int64_t at, struct core_durable durable);
const struct core_effects *step_tick(struct core *core, int64_t at);
const struct core_effects *step_members(struct core *core, int64_t at, int n);
const struct core_effects *
step_see(struct core *core, int64_t at, struct core_observation seen);
const struct core_effects *
step_done(struct core *core, int64_t at, uint32_t id, bool ok);
const struct core_effects *
step_local(struct core *core, int64_t at, enum core_local local, bool clean);
const struct core_effects *
step_settings(struct core *core, int64_t at, struct core_settings settings);

/* `note` is read on the board of `board_id`, as it is. A board of its writer answers as
 * a primary if the note says lead or renew, else as a standby; of other boards that of
 * node 1 is the primary's. */
const struct core_effects *
step_read(struct core *core, int64_t at, int board_id, struct core_note note);

/* `note` is read on its writer's own board and seen to advance: two readings. */
const struct core_effects *
step_hear(struct core *core, int64_t at, struct core_note note);

/* The shell does what the core waits for, well: writes, revocations (own WAL ends as in
 * fixture_ask()), the term row; nothing else. All effects of these steps. */
const struct core_effects *settle(struct core *core, int64_t at);

/* A core of node 2 in CORE_STANDBY by steps: it follows node 1, whose note was heard at
 * FIXTURE_T0 + 2, and has posted at FIXTURE_T0 + 3. */
#define FIXTURE_T0 10000
struct core fixture_following(int n);

/* A core of node 2 in CORE_PRIMARY by steps: it leads term 1, armed, PostgreSQL
 * running. All others supported it, at FIXTURE_T0: the lease ends at FIXTURE_T0 + W/2.
 */
struct core fixture_leading(int n);

/* Everybody else supports us, having read what we wrote at `at`. */
const struct core_effects *step_supported(struct core *core, int64_t at);

/* ---- what came of it ------------------------------------------------------------- */

/* How many effects of a kind there are; the first of them, or NULL. */
int n_effects(const struct core_effects *effects, enum core_effect_kind kind);
const struct core_effect *find_effect(const struct core_effects *effects,
                                      enum core_effect_kind kind);

bool says(const struct core_effects *effects, enum core_message message);
bool records(const struct core_effects *effects, enum core_record record);

#endif
