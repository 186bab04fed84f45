/* core_fixture.h - cores in a known situation, for the tests of lib/core.
 *
 * A cluster of `n`: node 1 is the primary, the others its standbys, all alike. The core
 * under test is that of node 2. */
#ifndef PGRMON_CORE_FIXTURE_H
#define PGRMON_CORE_FIXTURE_H

#include "core/elect.h"
#include "core/view.h"
#include "unit.h"

#define FIXTURE_SELF   2
#define FIXTURE_SYSTEM UINT64_C(77)
#define FIXTURE_BEAT   300

/* 3 attempts, 2 seconds apart, a beat of 300 ms. */
struct core_settings fixture_settings(void);

/* A core with `n` members, all recorded, that has not seen anybody yet. */
struct core fixture_core(int n);

/* What a healthy standby, and a healthy primary, say now. */
struct core_observation fixture_standby(int id);
struct core_observation fixture_primary(int id);

/* A failed probe. */
struct core_observation fixture_failed(int id, enum reach reach);

/* Let the core take `seen`, as the present answer, without a step. */
void fixture_see(struct core *core, struct core_observation seen);

/* CORE_ELECTING with a complete survey: node 1 refuses and its window is over, all
 * others are healthy standbys whose daemons ask. Nothing keeps node 2 from being
 * promoted. */
struct core fixture_electing(int n);

/* The view or record of a node, to change it. */
struct core_view *fixture_view(struct core *core, int id);
struct core_member *fixture_member(struct core *core, int id);

/* Steps through the public interface; `at` is in ms. The effects are static, valid
 * until the next step. */
const struct core_effects *step_start(struct core *core, int64_t at);
const struct core_effects *step_tick(struct core *core, int64_t at);
const struct core_effects *step_members(struct core *core, int64_t at, int n);
const struct core_effects *
step_see(struct core *core, int64_t at, struct core_observation seen);
const struct core_effects *
step_done(struct core *core, int64_t at, uint32_t id, bool ok);

/* How many effects of a kind there are; the first of them, or NULL. */
int n_effects(const struct core_effects *effects, enum core_effect_kind kind);
const struct core_effect *find_effect(const struct core_effects *effects,
                                      enum core_effect_kind kind);

#endif
