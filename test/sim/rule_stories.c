/* rule_stories.c - stories in which one rule is missed as soon as it is left out
 * (rules.def). What must hold is checked as ever; and each ends as its transcript in
 * test/golden/sim says. */
#include "check.h"
#include "operator.h"
#include "shell.h"
#include "sim.h"
#include "story.h"
#include "world.h"

/* ---- notes and ballots --------------------------------------------------------------
 */

static void voters_with_short_windows(struct sim *sim)
{
    story_nodes(sim, 3);
    for (int id = 2; id <= 3; id++) {
        sim_node(sim, id)->settings.reconnect_attempts = 1;
        sim_node(sim, id)->settings.beat_ms = 100;
    }
    sim_node(sim, 1)->freeze_ms = 800;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_isolate(sim, 1);
    story_settle(sim);
}

static void slow_to_freeze(struct sim *sim)
{
    story_calm(sim, 3);
    sim_say(sim, "stopping its processes takes nearly W/2");
    sim_node(sim, 1)->freeze_ms = 2600;
    sim_isolate(sim, 1);
    story_settle(sim);
}

static void restarts_while_cut_off(struct sim *sim)
{
    sim->linger_ms = 7200000;
    story_calm(sim, 3);
    sim_isolate(sim, 1);
    sim_say(sim, "the voters' last notes stay on the board of node1 for two hours");
    for (int i = 0; i < 4; i++) {
        sim_run(sim, 2400);
        sim_daemon_stop(sim, 1);
        sim_daemon_start(sim, 1);
    }
    story_settle(sim);
}

static void one_voter_is_not_enough(struct sim *sim)
{
    story_calm(sim, 5);
    sim_say(sim, "node1 and node2 on one side, the majority on the other");
    for (int id = 3; id <= 5; id++)
        for (int other = 1; other <= 2; other++) {
            sim_cut(sim, id, other);
            sim_cut(sim, other, id);
        }
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    sim_rejoin_network(sim, 2);
    story_settle(sim);
}

static void two_ghosts(struct sim *sim)
{
    sim->linger_ms = 7200000;
    story_calm(sim, 3);
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_host_boot(sim, 1, 200, 0);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "node1 leads again, and dies again: notes of two boots linger");
    sim_pg_kill(sim, 2);
    sim_run(sim, FAILOVER_MS);
    sim_pg_start(sim, 2, 200);
    sim_run(sim, FAILOVER_MS);
    sim_host_crash(sim, 1);
    story_settle(sim);
}

static void ghost_of_a_candidate(struct sim *sim)
{
    sim->linger_ms = 7200000;
    story_calm(sim, 3);
    sim_host_crash(sim, 1);
    sim_until(sim, 2, CORE_CANVASSING, FAILOVER_MS);
    sim_daemon_stop(sim, 3);
    sim_run(sim, 300);
    sim_host_crash(sim, 2);
    sim_say(sim, "what node2 said lingers on the board of node3");
    sim_host_boot(sim, 1, 200, 0);
    sim_daemon_start(sim, 3);
    story_settle(sim);
}

/* ---- the file
 * ------------------------------------------------------------------------
 */

static void never_supported(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_start(sim);
    sim_isolate(sim, 1);
    sim_say(sim, "nobody has promised node1 anything, so nobody fences it");
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

static void write_fails(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_crash(sim, 1);
    sim_until(sim, 2, CORE_CANVASSING, FAILOVER_MS);
    sim_say(sim, "the vote of node3 is on its disk, though the write fails");
    sim_node(sim, 3)->save_fails = 2;
    sim_run(sim, 100);
    sim_node(sim, 3)->settings.reconnect_attempts = 4;
    sim_host_crash(sim, 2);
    sim_daemon_reload(sim, 3);
    sim_run(sim, 5000);
    sim_host_boot(sim, 2, 200, 0);
    story_settle(sim);
}

static void leader_without_a_file(struct sim *sim)
{
    story_calm(sim, 3);
    sim_daemon_and_sentry_die(sim, 1);
    sim_lose_file(sim, 1);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

static void claim_is_interrupted(struct sim *sim)
{
    story_calm(sim, 3);
    sim_isolate(sim, 3);
    sim_run(sim, 2000);
    sim_pg_promote(sim, 3);
    sim_run(sim, 1000);
    sim_say(sim, "frozen for its claim, and the daemon is restarted");
    sim_daemon_stop(sim, 3);
    sim_daemon_start(sim, 3);
    sim_run(sim, FAILOVER_MS);
}

/* ---- the lease
 * -----------------------------------------------------------------------
 */

static void hangs(struct sim *sim)
{
    story_calm(sim, 3);
    sim_node(sim, 1)->pg.hung = true;
    story_settle(sim);
}

static void dies_while_it_resigns(struct sim *sim)
{
    story_calm(sim, 3);
    sim_node(sim, 1)->pg.hung = true;
    sim_until(sim, 1, CORE_RESIGNING, FAILOVER_MS);
    sim_daemon_stop(sim, 1);
    sim_say(sim, "its PostgreSQL goes on, and the sentry is all that is left");
    sim_node(sim, 1)->pg.hung = false;
    sim_isolate(sim, 1);
    story_settle(sim);
}

static void stopped_and_starting(struct sim *sim)
{
    story_calm(sim, 3);
    sim_pg_stop(sim, 1);
    sim_run(sim, 300);
    sim_pg_start(sim, 1, 600000);
    sim_run(sim, 58000);
    sim_say(sim, "startup_patience is over soon");
    sim_run(sim, 25000);
    check_stable(sim);
}

static void daemon_is_missed(struct sim *sim)
{
    story_nodes(sim, 3);
    for (int id = 1; id <= 3; id++)
        sim_node(sim, id)->settings.keep_on_daemon_loss = true;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_daemon_stop(sim, 1);
    sim_run(sim, 30000);
    sim_say(sim, "on_daemon_loss = keep: nothing has happened, and it returns");
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

/* ---- votes
 * ---------------------------------------------------------------------------
 */

static void promoted_within_a_promise(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_crash(sim, 1);
    sim_run(sim, 1200);
    sim_pg_promote(sim, 3);
    story_settle(sim);
}

static void answers_without_a_daemon(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add_witness(sim, 3);
    for (int id = 1; id <= 3; id++)
        sim_node(sim, id)->settings.fencing = CORE_FENCING_OFF;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_daemon_stop(sim, 1);
    sim_cut(sim, 2, 1);
    sim_say(sim, "node2 lost it, but the witness sees that it accepts writes");
    sim_run(sim, FAILOVER_MS);
}

/* Of three it needs two ballots, of five three. */
static void stands_for_a_former_membership(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add_witness(sim, 3);
    sim_add(sim, 4, 1, 100)->spare = true;
    sim_add(sim, 5, 1, 100)->spare = true;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_isolate(sim, 2);
    member_change(sim, 1, 4, MEMBER_ADD);
    sim_run(sim, 3000);
    member_change(sim, 1, 5, MEMBER_ADD);
    sim_run(sim, 3000);
    sim_say(sim, "node2 knows three voters, the witness five: they are cut off");
    sim_isolate(sim, 3);
    sim_heal(sim, 2, 3);
    sim_heal(sim, 3, 2);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 2);
    sim_rejoin_network(sim, 3);
    story_settle(sim);
}

static void only_copy_may_not_lead(struct sim *sim)
{
    story_nodes(sim, 3);
    sim->copies = 1;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_node(sim, 2)->follow.fails = 99;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_cut(sim, 2, 1);
    sim_run(sim, 600);
    sim_say(sim, "node3 has the only copy, node2 cannot fetch it");
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void best_waives_its_lead(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add(sim, 3, 1, 0);
    sim_node(sim, 2)->follow.fails = 1;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_cut(sim, 2, 1);
    sim_run(sim, 600);
    sim_say(sim, "node3 has more WAL, which node2 cannot fetch: it waits W/2");
    sim_host_crash(sim, 1);
    story_settle(sim);
}

/* ---- elections
 * -----------------------------------------------------------------------
 */

static void resigned_and_one_host_lost(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_crash(sim, 3);
    sim_run(sim, 500);
    sim_say(sim, "node3 will not answer; node1 and node2 are a majority");
    sim_pg_kill(sim, 1);
    story_settle(sim);
}

static void two_without_daemons(struct sim *sim)
{
    story_calm(sim, 4);
    sim_pg_kill(sim, 1);
    for (int id = 3; id <= 4; id++) {
        sim_daemon_and_sentry_die(sim, id);
        sim_pg_promote(sim, id);
    }
    sim_run(sim, FAILOVER_MS);
}

static void lets_nobody_in_again(struct sim *sim)
{
    story_nodes(sim, 2);
    sim_node(sim, 2)->settings.quorum = CORE_QUORUM_MAJORITY;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_daemon_stop(sim, 1);
    sim_node(sim, 1)->pg.hung = true;
    sim_run(sim, 12000);
    sim_node(sim, 1)->pg.hung = false;
    sim_node(sim, 1)->pg.rejects = true;
    sim_run(sim, 5000);
}

static void streams_without_answers(struct sim *sim)
{
    story_nodes(sim, 2);
    sim_node(sim, 2)->settings.check = CORE_CHECK_QUERY;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_say(sim, "no daemon, no answers, but WAL");
    sim_daemon_stop(sim, 1);
    sim_node(sim, 1)->pg.stuck = true;
    sim_run(sim, FAILOVER_MS);
}

static void only_a_stale_primary_is_left(struct sim *sim)
{
    story_calm(sim, 3);
    sim_daemon_and_sentry_die(sim, 1);
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "node2 leads; it dies, and node1 is back, writable all the time");
    sim_host_crash(sim, 2);
    sim_rejoin_network(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

static void longer_wal_of_an_older_term(struct sim *sim)
{
    story_nodes(sim, 3);
    sim->copies = 1;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_isolate(sim, 1);
    sim_until(sim, 2, CORE_PRIMARY, FAILOVER_MS);
    sim_run(sim, 1500);
    sim_say(sim, "node1 wrote more in the old term than node2 in the new one");
    sim_host_crash(sim, 2);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

static void best_may_not_lead_at_all(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_start(sim);
    sim_run(sim, 5000);
    sim_host_crash(sim, 1);
    story_settle(sim);
}

static void disk_of_the_best_fails(struct sim *sim)
{
    story_calm(sim, 3);
    sim_host_crash(sim, 1);
    for (int i = 0; i < 1500 && !sim_node(sim, 2)->daemon.core.report.known; i++)
        sim_run(sim, 10);
    sim_say(sim, "node2 is the best, and cannot write that it stands");
    sim_node(sim, 2)->save_fails = 1000;
    sim_run(sim, 2 * FAILOVER_MS);
}

static void becomes_unfit_in_its_canvass(struct sim *sim)
{
    (void)sim_add(sim, 1, 0, 100);
    (void)sim_add(sim, 2, 1, 100);
    (void)sim_add(sim, 3, 1, 0);
    sim_start(sim);
    sim_run(sim, 5000);
    sim_host_crash(sim, 1);
    sim_until(sim, 2, CORE_CANVASSING, FAILOVER_MS);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_daemon_reload(sim, 2);
    sim_run(sim, FAILOVER_MS);
}

/* clang-format off */
const struct sim_scenario sim_rule_stories[] = {
    {"voters_with_short_windows", "N4: the smaller W counts, the leader's or the voter's", voters_with_short_windows},
    {"slow_to_freeze", "N4: a lease is half as long as a promise", slow_to_freeze},
    {"restarts_while_cut_off", "N4: a ballot is as old as its echo, whenever it is read", restarts_while_cut_off},
    {"one_voter_is_not_enough", "L1: the oldest ballot that is needed ends the lease", one_voter_is_not_enough},
    {"two_ghosts", "N5: notes of two boots linger, and none advances", two_ghosts},
    {"ghost_of_a_candidate", "V1: a canvass that does not advance gets no vote", ghost_of_a_candidate},
    {"never_supported", "D3: who never knew a leader does not vote", never_supported},
    {"write_fails", "D1: a write that failed is tried again before any other", write_fails},
    {"leader_without_a_file", "D3: a primary without a file is ended where others vote", leader_without_a_file},
    {"claim_is_interrupted", "D2, L6: found frozen by a restarted daemon", claim_is_interrupted},
    {"hangs", "L3: no answer for W/2 on its own host", hangs},
    {"dies_while_it_resigns", "L7: the sentry's deadlines stand meanwhile", dies_while_it_resigns},
    {"stopped_and_starting", "F3, L3: \"starting up\" is not believed for ever", stopped_and_starting},
    {"daemon_is_missed", "L2, M4: on_daemon_loss = keep", daemon_is_missed},
    {"promoted_within_a_promise", "V1: binds who claims a term, too", promoted_within_a_promise},
    {"answers_without_a_daemon", "V1: nobody is elected beside one that accepts writes", answers_without_a_daemon},
    {"stands_for_a_former_membership", "V1, M1: a candidate with an older membership gets no vote", stands_for_a_former_membership},
    {"only_copy_may_not_lead", "C2, C3: the only copy does not waive its lead", only_copy_may_not_lead},
    {"best_waives_its_lead", "C3: without copies it does, after W/2", best_waives_its_lead},
    {"resigned_and_one_host_lost", "E1: of one that resigned a majority is enough", resigned_and_one_host_lost},
    {"two_without_daemons", "E2: of two in one term neither is followed", two_without_daemons},
    {"lets_nobody_in_again", "E3: refusing us is a return", lets_nobody_in_again},
    {"streams_without_answers", "E5: our walreceiver still hears from it", streams_without_answers},
    {"only_a_stale_primary_is_left", "P1, E8: it is named, and never followed", only_a_stale_primary_is_left},
    {"longer_wal_of_an_older_term", "P4.1: the higher term, not the longer WAL", longer_wal_of_an_older_term},
    {"best_may_not_lead_at_all", "E9: who says pass is not waited for", best_may_not_lead_at_all},
    {"disk_of_the_best_fails", "E9: a better candidate that cannot stand is passed over", disk_of_the_best_fails},
    {"becomes_unfit_in_its_canvass", "C4: a reload in the middle of it", becomes_unfit_in_its_canvass},
};
/* clang-format on */
const int sim_n_rule_stories =
    (int)(sizeof sim_rule_stories / sizeof *sim_rule_stories);
