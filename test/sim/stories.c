/* stories.c - the schedules of design.md 3.10: each broke an earlier text. */
#include "check.h"
#include "shell.h"
#include "sim.h"
#include "story.h"
#include "world.h"

/* ---- the lease --------------------------------------------------------------------
 */

static void short_partition(struct sim *sim)
{
    story_calm(sim, 3);
    sim_isolate(sim, 1);
    sim_run(sim, 4500);
    sim_say(sim, "clients saw a pause, no disconnect");
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

static void long_partition(struct sim *sim)
{
    story_calm(sim, 3);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

/* The voters promise before the first leader knows that they did. */
static void first_lease(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_start(sim);
    sim_run(sim, 350);
    sim_say(sim, "the leader has not read a ballot yet");
    sim_daemon_stop(sim, 1);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

/* ---- 1, 3, 8: what comes back -------------------------------------------------------
 */

static void reboot_of_the_leader(struct sim *sim)
{
    story_calm(sim, 3);
    sim_pg_stop(sim, 1);
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "PostgreSQL is started two seconds before the daemon");
    sim_host_boot(sim, 1, 300, 2000);
    story_settle(sim);
}

/* node1 alone has what it acknowledged until it was frozen. */
static void standby_hosts_back(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_crash(sim, 2);
    sim_host_crash(sim, 3);
    sim_until(sim, 1, CORE_RESIGNING, FAILOVER_MS);
    sim_say(sim, "the PostgreSQL of node1 takes longer to start than the others");
    sim_node(sim, 1)->pg.slow_ms = 2000;
    sim_host_boot(sim, 2, 100, 0);
    sim_host_boot(sim, 3, 100, 0);
    sim_until(sim, 1, CORE_PRIMARY, FAILOVER_MS);
    story_settle(sim);
}

static void resigned_and_back(struct sim *sim)
{
    story_calm(sim, 3);
    sim_pg_kill(sim, 1);
    sim_run(sim, 30);
    sim_daemon_stop(sim, 1);
    sim_pg_start_unit(sim, 1, 300);
    sim_run(sim, 50);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

static void notes_of_a_former_boot(struct sim *sim)
{
    sim->linger_ms = 7200000;
    story_calm(sim, 3);
    sim_say(sim, "notes of node1 and node2 linger for two hours from now on");
    sim_host_crash(sim, 1);
    sim_host_crash(sim, 2);
    sim_run(sim, 1000);
    sim_host_boot(sim, 1, 200, 500);
    sim_host_boot(sim, 2, 200, 0);
    story_settle(sim);
}

/* ---- 2: promotions
 * --------------------------------------------------------------------- */

static void slow_promotion(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->promotion.takes_ms = 15000;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_pg_kill(sim, 1);
    sim_until(sim, 2, CORE_PROMOTING, FAILOVER_MS);
    sim_run(sim, 1000);
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_AUTOMATIC;
    sim_daemon_reload(sim, 3);
    sim_say(sim, "it loses its lease in the middle of it");
    sim_isolate(sim, 2);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 2);
    story_settle(sim);
}

/* ---- 7: the file
 * ------------------------------------------------------------------------- */

static void lost_file(struct sim *sim)
{
    story_calm(sim, 3);
    sim_daemon_stop(sim, 3);
    sim_lose_file(sim, 3);
    sim_daemon_start(sim, 3);
    sim_run(sim, 5000);
    sim_say(sim, "node3 does not vote, so node1 has to");
    sim_pg_kill(sim, 1);
    story_settle(sim);
}

static void window_changed(struct sim *sim)
{
    story_calm(sim, 3);
    sim_say(sim, "the windows of the voters get shorter while they restart");
    sim_isolate(sim, 1);
    for (int id = 2; id <= 3; id++) {
        sim_daemon_stop(sim, id);
        sim_node(sim, id)->settings.reconnect_attempts = 1;
        sim_node(sim, id)->settings.beat_ms = 100;
        sim_daemon_start(sim, id);
    }
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

/* ---- 9, 20: renewal
 * ------------------------------------------------------------------------ */

/* It voted for a candidate that nobody else has seen. */
static void voted_elsewhere(struct sim *sim, int id, int64_t term, int candidate)
{
    struct sim_node *node = sim_node(sim, id);

    sim_daemon_stop(sim, id);
    node->file.term = term;
    node->file.leader_id = candidate;
    node->file.duty = CORE_DUTY_FOLLOWER;
    sim_daemon_start(sim, id);
}

static void renewal(struct sim *sim)
{
    story_calm(sim, 3);
    sim_say(sim, "node3 has promised term 5 to node2, which never won it");
    voted_elsewhere(sim, 3, 5, 2);
    story_settle(sim);
}

static void split_renewal(struct sim *sim)
{
    story_calm(sim, 5);
    sim_say(sim, "node4 and node5 have promised other terms to losers");
    voted_elsewhere(sim, 4, 5, 2);
    voted_elsewhere(sim, 5, 7, 3);
    story_settle(sim);
}

/* ---- 10 to 13, 17, 19: who has which WAL
 * ------------------------------------------------------ */

static void two_losers(struct sim *sim)
{
    story_calm(sim, 4);
    sim_say(sim, "two promotions from one point: the same timeline number");
    sim_pg_kill(sim, 1);
    sim_pg_promote(sim, 3);
    sim_pg_promote(sim, 4);
    sim_run(sim, 2 * FAILOVER_MS);
}

static void blocked_revocation(struct sim *sim)
{
    story_nodes(sim, 3);
    sim->copies = 1;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_say(sim, "node2 is behind; node3 has the only copy, and a reader");
    sim_cut(sim, 2, 1);
    sim_node(sim, 3)->pg.reader_ms = 3000;
    sim_run(sim, 1000);
    sim_pg_kill(sim, 1);
    sim_run(sim, 1000);
    sim_heal(sim, 2, 1);
    story_settle(sim);
}

static void delayed_replay(struct sim *sim)
{
    story_nodes(sim, 3);
    sim->copies = 1;
    sim_start(sim);
    sim_run(sim, 3000);
    sim_node(sim, 3)->pg.replay_paused = true;
    sim_run(sim, 1000);
    sim_cut(sim, 2, 1);
    sim_run(sim, 1000);
    sim_say(sim, "node3 has all that was acknowledged, and shows far less");
    sim_pg_crash_restart(sim, 3);
    sim_run(sim, 500);
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_node(sim, 3)->pg.replay_paused = false;
    story_settle(sim);
}

static void copy_without_a_vote(struct sim *sim)
{
    story_nodes(sim, 4);
    sim->copies = 1;
    sim_node(sim, 4)->mute = true;
    sim_start(sim);
    sim_run(sim, 3000);
    sim_cut(sim, 2, 1);
    sim_cut(sim, 3, 1);
    sim_run(sim, 800);
    sim_say(sim, "node4 has no vote, and alone what was acknowledged");
    sim_host_crash(sim, 1);
    sim_heal(sim, 2, 1);
    sim_heal(sim, 3, 1);
    sim_run(sim, 2 * FAILOVER_MS);
}

static void orphans(struct sim *sim)
{
    story_calm(sim, 3);
    sim_pg_kill_slowly(sim, 1, 1800);
    story_settle(sim);
}

static void best_may_not_lead(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add(sim, 3, 1, 0);
    sim_start(sim);
    sim_run(sim, 5000);
    sim_cut(sim, 2, 1);
    sim_run(sim, 600);
    sim_say(sim, "node3 is the most advanced, and has priority 0");
    sim_pg_kill(sim, 1);
    sim_heal(sim, 2, 1);
    sim_run(sim, 2 * FAILOVER_MS);
}

static void with_witness(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add_witness(sim, 3);
    sim->copies = 1;
    sim_start(sim);
    sim_run(sim, 5000);
}

static void witness_primary_lost(struct sim *sim)
{
    with_witness(sim);
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_host_boot(sim, 1, 300, 0);
    story_settle(sim);
}

static void witness_standby_lost(struct sim *sim)
{
    with_witness(sim);
    sim_host_crash(sim, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_host_boot(sim, 2, 300, 0);
    story_settle(sim);
}

static void witness_lost(struct sim *sim)
{
    with_witness(sim);
    sim_host_crash(sim, 3);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_host_boot(sim, 3, 300, 0);
    story_settle(sim);
}

/* ---- 14: whoever fences
 * ------------------------------------------------------------------------ */

static void daemon_dead_then_partition(struct sim *sim)
{
    story_calm(sim, 3);
    sim_daemon_stop(sim, 1);
    sim_run(sim, 500);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

static void daemon_stopped(struct sim *sim)
{
    story_calm(sim, 3);
    sim_daemon_stall(sim, 1, 12000);
    sim_run(sim, 12000);
    story_settle(sim);
}

static void host_paused(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_pause(sim, 1, 15000);
    sim_run(sim, 15000);
    story_settle(sim);
}

/* ---- 15, 16, 18
 * ------------------------------------------------------------------------------------
 */

static void two_nodes_both_back(struct sim *sim)
{
    story_calm(sim, 2);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "without a majority both are writable: a witness prevents it");
    sim_rejoin_network(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void reached_one_way(struct sim *sim)
{
    story_calm(sim, 3);
    sim_say(sim, "node1 reaches the others, they do not reach it");
    sim_cut(sim, 2, 1);
    sim_cut(sim, 3, 1);
    sim_run(sim, 60000);
    sim_heal(sim, 2, 1);
    sim_heal(sim, 3, 1);
    story_settle(sim);
}

static void recovery_for_ever(struct sim *sim)
{
    story_calm(sim, 3);
    sim_pg_crash_restart(sim, 1);
    story_settle(sim);
}

/* ---- 5: pauses
 * ------------------------------------------------------------------------------------
 */

/* Nobody but the leader has heard of it: it is fenced, and replaced. */
static void pause_cut_early(struct sim *sim)
{
    story_calm(sim, 3);
    sim_cut(sim, 2, 1);
    sim_cut(sim, 3, 1);
    (void)sim_service_pause(sim, 30000);
    sim_run(sim, 200);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

/* One voter has granted it before the cut, and the leader has heard that: the other one
 * alone elects nobody. */
static void pause_known_by_one(struct sim *sim)
{
    story_calm(sim, 3);
    sim_cut(sim, 3, 1);
    (void)sim_service_pause(sim, 12000);
    sim_run(sim, 900);
    sim_isolate(sim, 1);
    sim_run(sim, 2 * FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

/* Voters and the leader restart, the leader is cut off: nothing happens. */
static void pause_kept(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 40000);
    sim_run(sim, 3000);
    for (int id = 1; id <= 3; id++)
        sim_daemon_stop(sim, id);
    sim_run(sim, 9000);
    sim_say(sim, "no daemon ran for 9 s");
    for (int id = 1; id <= 3; id++)
        sim_daemon_start(sim, id);
    sim_run(sim, 2000);
    sim_isolate(sim, 1);
    sim_run(sim, 15000);
    sim_say(sim, "its time will be over, and it is cut off");
    sim_run(sim, 11500);
    sim_rejoin_network(sim, 1);
    sim_run(sim, 60000);
    check_stable(sim);
}

static void pause_leader_dies(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 20000);
    sim_run(sim, 3000);
    sim_host_crash(sim, 1);
    sim_run(sim, 20000);
    sim_say(sim, "20 s are over; the voters wait for W more");
    sim_run(sim, 2 * FAILOVER_MS);
    sim_host_boot(sim, 1, 300, 0);
    story_settle(sim);
}

/* What a pause is for: PostgreSQL is restarted, and promoted again by its operator. */
static void pause_restart(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 60000);
    sim_run(sim, 3000);
    sim_pg_kill(sim, 1);
    sim_run(sim, 9000);
    sim_pg_start(sim, 1, 300);
    sim_run(sim, 9000);
    sim_pg_promote(sim, 1);
    sim_run(sim, 3000);
    check_stable(sim);
    (void)sim_service_pause(sim, 0);
    sim_run(sim, 3000);
    sim_pg_kill(sim, 1);
    story_settle(sim);
}

/* It is taken back while the leader hears nobody: it needs a lease first. */
static void pause_ended_in_a_cut(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 60000);
    sim_run(sim, 3000);
    sim_isolate(sim, 1);
    sim_run(sim, 7000);
    (void)sim_service_pause(sim, 0);
    sim_run(sim, 8000);
    sim_rejoin_network(sim, 1);
    sim_run(sim, 4000);
    sim_say(sim, "fenced again");
    sim_host_crash(sim, 1);
    story_settle(sim);
}

/* It had one, at that moment. */
static void pause_ended_before_a_cut(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 60000);
    sim_run(sim, 3000);
    sim_isolate(sim, 1);
    (void)sim_service_pause(sim, 0);
    sim_run(sim, 15000);
    sim_say(sim, "the others have not heard that it is over");
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

static void pause_extended(struct sim *sim)
{
    story_calm(sim, 3);
    (void)sim_service_pause(sim, 8000);
    sim_run(sim, 4000);
    (void)sim_service_pause(sim, 20000);
    sim_run(sim, 4000);
    sim_isolate(sim, 1);
    sim_run(sim, 12000);
    sim_say(sim, "16 s after the first, it relies on the second");
    sim_rejoin_network(sim, 1);
    sim_run(sim, 2000);
    (void)sim_service_pause(sim, 0);
    sim_run(sim, 3000);
    (void)sim_service_pause(sim, 15000);
    sim_run(sim, 3000);
    sim_isolate(sim, 1);
    sim_run(sim, 9000);
    sim_rejoin_network(sim, 1);
    sim_run(sim, 15000);
    check_stable(sim);
}

static void pause_with_witness(struct sim *sim)
{
    with_witness(sim);
    (void)sim_service_pause(sim, 30000);
    sim_run(sim, 3000);
    sim_host_crash(sim, 2);
    sim_host_crash(sim, 3);
    sim_run(sim, 20000);
    sim_host_boot(sim, 2, 300, 0);
    sim_host_boot(sim, 3, 300, 0);
    story_settle(sim);
}

static void pause_of_two(struct sim *sim)
{
    story_calm(sim, 2);
    (void)sim_service_pause(sim, 20000);
    sim_run(sim, 3000);
    sim_isolate(sim, 1);
    sim_run(sim, 15000);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

/* clang-format off */
const struct sim_scenario sim_stories[] = {
    {"short_partition", "L4, L5: frozen and thawed: nothing else happens", short_partition},
    {"long_partition", "L6: frozen, killed, and a standby when it returns", long_partition},
    {"first_lease", "L1: a first leader is fenced from the first promise on", first_lease},
    {"reboot_of_the_leader", "3.10-1: PostgreSQL comes up before the daemon, read-only", reboot_of_the_leader},
    {"slow_promotion", "3.10-2: the lease is lost during a promotion of 2.5 W", slow_promotion},
    {"standby_hosts_back", "E9: a former leader's PostgreSQL starts: it is waited for", standby_hosts_back},
    {"resigned_and_back", "3.10-3: resigned, restarted by init, fresh echoes of the term", resigned_and_back},
    {"lost_file", "3.10-7: without a state file it does not vote", lost_file},
    {"window_changed", "3.10-7: a promise of the longer window stands", window_changed},
    {"notes_of_a_former_boot", "3.10-8: notes of the former boot linger for hours", notes_of_a_former_boot},
    {"renewal", "3.10-9: a voter has promised a later term to a loser", renewal},
    {"two_losers", "3.10-10: two promotions of one LSN", two_losers},
    {"blocked_revocation", "3.10-11: a reader blocks the only copy's revocation", blocked_revocation},
    {"delayed_replay", "3.10-11: replay is paused, its position understated", delayed_replay},
    {"copy_without_a_vote", "3.10-12: the only copy is on a standby without a vote", copy_without_a_vote},
    {"orphans", "3.10-13: backends of a dead postmaster acknowledge for 1.8 s", orphans},
    {"daemon_dead_then_partition", "3.10-14: the sentry fences", daemon_dead_then_partition},
    {"daemon_stopped", "3.10-14: the daemon does not run for two windows", daemon_stopped},
    {"host_paused", "3.10-14: the whole host stands still", host_paused},
    {"pause_cut_early", "3.10-5: cut off before the voters know of the pause", pause_cut_early},
    {"pause_known_by_one", "3.10-5: one of two voters knows of it", pause_known_by_one},
    {"pause_kept", "3.10-5: all daemons restart while paused, and a cut", pause_kept},
    {"pause_leader_dies", "M3: nobody is elected until it is over", pause_leader_dies},
    {"pause_restart", "M3: PostgreSQL is restarted while paused, and leads on", pause_restart},
    {"pause_ended_in_a_cut", "M3: taken back while the leader has no ballots", pause_ended_in_a_cut},
    {"pause_ended_before_a_cut", "M3: taken back, and nobody but the leader knows", pause_ended_before_a_cut},
    {"pause_extended", "M3: extended, taken back, and once more", pause_extended},
    {"pause_with_witness", "M3: two data nodes, a witness: both voters are gone", pause_with_witness},
    {"pause_of_two", "M3: two nodes", pause_of_two},
    {"two_nodes_both_back", "3.10-15: two nodes, a partition, both back", two_nodes_both_back},
    {"reached_one_way", "3.10-16: it reaches its voters, they do not reach it", reached_one_way},
    {"best_may_not_lead", "3.10-17: the most advanced has priority 0", best_may_not_lead},
    {"recovery_for_ever", "3.10-18: PostgreSQL restarts itself, read-only", recovery_for_ever},
    {"witness_primary_lost", "3.10-19: two data nodes, a witness, k = 1: the primary", witness_primary_lost},
    {"witness_standby_lost", "3.10-19: the standby", witness_standby_lost},
    {"witness_lost", "3.10-19: the witness", witness_lost},
    {"split_renewal", "3.10-20: ballots split between a term and its renewal", split_renewal},
};
/* clang-format on */
const int sim_n_stories = (int)(sizeof sim_stories / sizeof *sim_stories);
