/* scenarios.c - named stories. Each is a dozen lines here and a transcript in
 * test/golden/sim: what every node decided, when and why. Read both together. */
#include "check.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

/* Long enough for a window of 6 s, an election, and the others to follow. */
#define FAILOVER_MS 15000

static void two(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
}

static void three(struct sim *sim)
{
    two(sim);
    (void)sim_add(sim, 3, 1, 100);
}

/* 1 -> 2 -> 4, 1 -> 3 */
static void cascade(struct sim *sim)
{
    three(sim);
    (void)sim_add(sim, 4, 2, 100);
}

static void calm(struct sim *sim)
{
    sim_start(sim);
    sim_run(sim, 5000);
}

/* ---- the primary dies -------------------------------------------------------- */

static void two_nodes(struct sim *sim)
{
    two(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void two_nodes_majority(struct sim *sim)
{
    two(sim);
    sim_node(sim, 2)->settings.quorum = CORE_QUORUM_MAJORITY;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void three_nodes(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void host_lost(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void cascade_primary_dies(struct sim *sim)
{
    cascade(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void cascade_sibling_wins(struct sim *sim)
{
    two(sim);
    (void)sim_add(sim, 3, 1, 200);
    (void)sim_add(sim, 4, 2, 100);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

/* ---- cascades ---------------------------------------------------------------- */

static void cascade_upstream_dies(struct sim *sim)
{
    cascade(sim);
    calm(sim);
    sim_pg_kill(sim, 2);
    sim_run(sim, FAILOVER_MS);
    check_follow_chain(sim, 4, 1);
}

static void cascade_upstream_returns(struct sim *sim)
{
    cascade(sim);
    calm(sim);
    sim_pg_kill(sim, 2);
    sim_run(sim, 3000);
    sim_pg_start(sim, 2, 200);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void cascade_both_die(struct sim *sim)
{
    cascade(sim);
    (void)sim_add(sim, 5, 1, 50);
    sim_node(sim, 4)->follow.fails = 99;
    calm(sim);
    sim_pg_kill(sim, 2);
    sim_run(sim, 9000);
    sim_say(sim, "node4 could not re-attach yet; now the primary dies, too");
    sim_pg_kill(sim, 1);
    sim_node(sim, 4)->follow.fails = 0;
    sim_run(sim, FAILOVER_MS);
}

/* ---- who is the best --------------------------------------------------------- */

static void equal_wal_priority(struct sim *sim)
{
    three(sim);
    (void)sim_add(sim, 4, 1, 150);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void priority_zero(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 0);
    (void)sim_add(sim, 3, 1, 100);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void priority_zero_alone(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 0);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void most_advanced_wins(struct sim *sim)
{
    two(sim);
    (void)sim_add(sim, 3, 1, 10);
    calm(sim);
    sim_cut(sim, 2, 1);
    sim_run(sim, 600);
    sim_pg_kill(sim, 1);
    sim_heal(sim, 2, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void candidate_without_daemon(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_daemon_stop(sim, 2);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "the daemon of node2 returns and finds a new leader");
    sim_daemon_start(sim, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

/* ---- no failover ------------------------------------------------------------- */

static void no_quorum(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_host_crash(sim, 3);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "node3 returns: a majority answers again");
    sim_host_boot(sim, 3, 500, 0);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void still_visible(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_cut(sim, 2, 1);
    sim_run(sim, FAILOVER_MS);
    sim_heal(sim, 2, 1);
    sim_run(sim, 5000);
    check_stable(sim);
}

static void still_streaming(struct sim *sim)
{
    two(sim);
    sim_node(sim, 2)->settings.check = CORE_CHECK_QUERY;
    calm(sim);
    sim_say(sim, "the primary answers no query, but goes on sending WAL");
    sim_node(sim, 1)->pg.stuck = true;
    sim_run(sim, FAILOVER_MS);
    sim_node(sim, 1)->pg.stuck = false;
    sim_run(sim, 5000);
    check_stable(sim);
}

static void quick_restart(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 2500);
    sim_pg_start(sim, 1, 300);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void starting_for_long(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 1000);
    sim_pg_start(sim, 1, 600000);
    sim_run(sim, 58000);
    sim_say(sim, "startup_patience is over soon");
    sim_run(sim, 25000);
    check_stable(sim);
}

static void password_changed(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_say(sim, "the primary lets nobody in");
    sim_node(sim, 1)->pg.rejects = true;
    probe_sessions_lost(sim, 1);
    sim_run(sim, 120000);
    sim_node(sim, 1)->pg.rejects = false;
    sim_run(sim, 5000);
    check_stable(sim);
}

static void manual(struct sim *sim)
{
    three(sim);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_pg_promote(sim, 3);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

/* ---- promotions that go wrong ------------------------------------------------ */

static void promotion_fails_once(struct sim *sim)
{
    two(sim);
    sim_node(sim, 2)->promotion.fails = 1;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 2 * FAILOVER_MS);
    check_stable(sim);
}

static void promotion_fails_next_leads(struct sim *sim)
{
    three(sim);
    sim_node(sim, 2)->promotion.fails = 99;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 2 * FAILOVER_MS);
    check_stable(sim);
}

static void promotion_ends_late(struct sim *sim)
{
    two(sim);
    sim_node(sim, 2)->promotion.takes_ms = 22000;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 45000);
    check_stable(sim);
}

static void better_candidate_idle(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_say(sim, "the better candidate's daemon hangs once it has lost the primary");
    sim_pg_kill(sim, 1);
    sim_run(sim, 700);
    sim_daemon_stall(sim, 2, 40000);
    sim_run(sim, 35000);
}

/* ---- comings and goings ------------------------------------------------------ */

static void old_primary_returns(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_pg_start(sim, 1, 300);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_pg_demote(sim, 1, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void primary_cut_off(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void daemon_restarts_in_election(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_until(sim, 2, CORE_ELECTING, FAILOVER_MS);
    sim_daemon_stop(sim, 2);
    sim_run(sim, 50);
    sim_daemon_start(sim, 2);
    sim_run(sim, 2 * FAILOVER_MS);
    check_stable(sim);
}

static void daemon_dies_while_promoting(struct sim *sim)
{
    three(sim);
    sim_node(sim, 2)->promotion.takes_ms = 3000;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_until(sim, 2, CORE_PROMOTING, FAILOVER_MS);
    sim_daemon_stop(sim, 2);
    sim_run(sim, 6000);
    sim_daemon_start(sim, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void standby_first(struct sim *sim)
{
    two(sim);
    sim_node(sim, 1)->pg.state = SIM_PG_DOWN;
    sim_node(sim, 2)->pg.state = SIM_PG_DOWN;
    sim_start(sim);
    sim_run(sim, 3000);
    sim_pg_start(sim, 2, 300);
    sim_run(sim, 3000);
    sim_pg_start(sim, 1, 300);
    sim_run(sim, 5000);
    check_stable(sim);
}

static void promoted_by_hand(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_promote(sim, 3);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void switched_by_hand(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_pg_promote(sim, 2);
    sim_run(sim, 300);
    sim_pg_demote(sim, 1, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_say(sim, "and back again");
    sim_pg_kill(sim, 2);
    sim_pg_promote(sim, 1);
    sim_run(sim, 300);
    sim_pg_demote(sim, 2, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void slept_through_survey(struct sim *sim)
{
    three(sim);
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_until(sim, 2, CORE_ELECTING, FAILOVER_MS);
    sim_daemon_stall(sim, 2, 30000);
    sim_run(sim, 5000);
    sim_pg_kill(sim, 2);
    sim_run(sim, 35000);
}

static void foreign_system(struct sim *sim)
{
    three(sim);
    sim_node(sim, 3)->pg.system_identifier = 42;
    calm(sim);
    sim_say(sim, "node3 is of another cluster; it neither stands nor counts");
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void foreign_standby_of_two(struct sim *sim)
{
    two(sim);
    sim_node(sim, 2)->pg.system_identifier = 42;
    calm(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_daemon_stop(sim, 2);
}

static void status_lines(struct sim *sim)
{
    two(sim);
    sim_node(sim, 1)->settings.status_interval_ms = 10000;
    sim_node(sim, 2)->settings.status_interval_ms = 10000;
    sim_start(sim);
    sim_run(sim, 25000);
    sim_pg_kill(sim, 1);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

/* clang-format off */
const struct sim_scenario sim_scenarios[] = {
    {"two_nodes", "Q2: the only standby of two promotes itself after the window", two_nodes},
    {"two_nodes_majority", "Q1: with quorum = majority it waits for an operator", two_nodes_majority},
    {"three_nodes", "the primary dies, one standby leads, the other follows it", three_nodes},
    {"host_lost", "the same, and the host is silent instead of refusing", host_lost},
    {"cascade_primary_dies", "the cascade's upstream leads, its sibling follows", cascade_primary_dies},
    {"cascade_sibling_wins", "the sibling leads, the cascade stays below its upstream", cascade_sibling_wins},
    {"cascade_upstream_dies", "a cascaded standby re-attaches to the primary", cascade_upstream_dies},
    {"cascade_upstream_returns", "its upstream returns in time: nothing changes", cascade_upstream_returns},
    {"cascade_both_die", "E4: upstream and then primary: the window begins again", cascade_both_die},
    {"equal_wal_priority", "P4.3: equal WAL, the higher priority leads", equal_wal_priority},
    {"priority_zero", "priority 0 never leads, though its id is lower", priority_zero},
    {"priority_zero_alone", "priority 0, and nobody else: it waits for an operator", priority_zero_alone},
    {"most_advanced_wins", "P4.2: the most advanced leads, whatever its priority", most_advanced_wins},
    {"candidate_without_daemon", "a standby without its daemon is no candidate", candidate_without_daemon},
    {"no_quorum", "Q1: one of three promotes nobody, until a second answers", no_quorum},
    {"still_visible", "E5: cut off alone, while another sees the primary", still_visible},
    {"still_streaming", "E5: our own walreceiver still hears from the primary", still_streaming},
    {"quick_restart", "the primary restarts within the window", quick_restart},
    {"starting_for_long", "F3: \"starting up\" counts as alive until patience is over", starting_for_long},
    {"password_changed", "F2: refusing us is a sign of life", password_changed},
    {"manual", "failover = manual: nobody promotes but an operator", manual},
    {"promotion_fails_once", "a failed promotion is tried again after a pause", promotion_fails_once},
    {"promotion_fails_next_leads", "meanwhile another candidate leads", promotion_fails_next_leads},
    {"promotion_ends_late", "a promotion that was given up succeeds after all", promotion_ends_late},
    {"better_candidate_idle", "E9: a better candidate that does nothing is passed over", better_candidate_idle},
    {"old_primary_returns", "F5: two primaries are reported; an operator rejoins one", old_primary_returns},
    {"primary_cut_off", "known gap: a cut-off primary stays writable", primary_cut_off},
    {"daemon_restarts_in_election", "a restarted daemon begins its window anew", daemon_restarts_in_election},
    {"daemon_dies_while_promoting", "the promotion goes on without its daemon", daemon_dies_while_promoting},
    {"standby_first", "daemons wait for their PostgreSQL, the standby for its primary", standby_first},
    {"promoted_by_hand", "F5: an operator promotes beside a living primary", promoted_by_hand},
    {"switched_by_hand", "an operator switches over and back, pgrmon follows", switched_by_hand},
    {"slept_through_survey", "E1: a daemon that slept asks again before it decides", slept_through_survey},
    {"foreign_system", "F4: a PostgreSQL of another cluster does not count", foreign_system},
    {"foreign_standby_of_two", "F4: not promoted either when its primary dies", foreign_standby_of_two},
    {"status_lines", "what is said every log_status_interval", status_lines},
};
/* clang-format on */
const int sim_n_scenarios = (int)(sizeof sim_scenarios / sizeof *sim_scenarios);
