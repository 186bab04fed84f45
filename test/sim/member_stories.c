/* member_stories.c - schedules of design.md 3.10 in which people take part: who belongs
 * to the cluster changes, daemons are stopped in good order, machines are copied. */
#include "check.h"
#include "operator.h"
#include "shell.h"
#include "sim.h"
#include "story.h"
#include "world.h"

static void spare(struct sim *sim, int id)
{
    sim_add(sim, id, 1, 100)->spare = true;
}

/* Both ways. */
static void cut(struct sim *sim, int a, int b)
{
    sim_cut(sim, a, b);
    sim_cut(sim, b, a);
}

static void heal(struct sim *sim, int a, int b)
{
    sim_heal(sim, a, b);
    sim_heal(sim, b, a);
}

/* ---- 1: a reboot in the middle of the election --------------------------------------
 */

static void reboot_while_electing(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->promotion.takes_ms = 3000;
    story_begin(sim);
    sim_pg_stop(sim, 1);
    sim_host_crash(sim, 1);
    sim_until(sim, 2, CORE_CANVASSING, FAILOVER_MS);
    sim_say(sim, "node2 stands; PostgreSQL of node1 starts, and then its daemon");
    sim_host_boot(sim, 1, 300, 1000);
    story_settle(sim);
}

/* ---- 4: a resignation that nobody takes up
 * -------------------------------------------- */

static void handover_nobody_takes(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    story_begin(sim);
    sim_daemon_leave(sim, 1, true);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "nobody has taken it up: node1 comes back, by an election only");
    sim_pg_start_unit(sim, 1, 300);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

/* The file alone decides: PostgreSQL is started without its guard. */
static void resigned_and_writable(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    story_begin(sim);
    sim_daemon_leave(sim, 1, true);
    sim_run(sim, 6000);
    sim_say(sim, "an operator starts it writable, as it was before");
    sim->excuse |= SIM_BY_HAND;
    sim_node(sim, 1)->pg.guard = false;
    sim_pg_start(sim, 1, 300);
    sim_run(sim, 1000);
    sim_daemon_start(sim, 1);
    story_settle(sim);
}

/* ---- L3: its daemon has seen PostgreSQL gone, and looks once a second only
 * ------------ */

static void back_before_it_is_looked_at(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 1)->promotion.takes_ms = 50;
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    story_begin(sim);
    sim_pg_kill(sim, 1);
    sim_run(sim, 100);
    sim_say(sim, "init starts it, and it is elected and promoted within that second");
    sim_pg_start_unit(sim, 1, 100);
    story_settle(sim);
}

/* ---- 6: who votes
 * -------------------------------------------------------------------- */

static void three_to_two(struct sim *sim)
{
    story_nodes(sim, 3);
    story_begin(sim);
    cut(sim, 2, 1);
    cut(sim, 2, 3);
    sim_run(sim, 500);
    sim_say(sim, "node2 is cut off: without it node3 cannot be taken out");
    member_change(sim, 1, 3, MEMBER_REMOVE);
    sim_run(sim, FAILOVER_MS);
    heal(sim, 2, 1);
    heal(sim, 2, 3);
    sim_run(sim, FAILOVER_MS);
    member_change(sim, 1, 3, MEMBER_REMOVE);
    sim_run(sim, 20);
    sim_say(sim, "now it can, and node2 is cut off before it hears of that");
    cut(sim, 2, 1);
    cut(sim, 2, 3);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "of two both are needed until both know that they are two");
    heal(sim, 2, 1);
    heal(sim, 2, 3);
    story_settle(sim);
    sim_say(sim, "now one is enough");
    sim_host_crash(sim, 1);
    story_settle(sim);
}

static void two_to_three(struct sim *sim)
{
    story_nodes(sim, 2);
    spare(sim, 3);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_MANUAL;
    story_begin(sim);
    cut(sim, 2, 1);
    sim_run(sim, 500);
    member_change(sim, 1, 3, MEMBER_ADD);
    sim_run(sim, 11000);
    sim_say(sim, "refused: node2 would go on believing that one of two is enough");
    heal(sim, 2, 1);
    sim_run(sim, 3000);
    sim_node(sim, 2)->settings.failover = CORE_FAILOVER_AUTOMATIC;
    sim_daemon_reload(sim, 2);
    member_change(sim, 2, 3, MEMBER_ADD);
    sim_run(sim, 3000);
    sim_say(sim, "now a majority counts: who is cut off stops");
    sim_isolate(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 1);
    story_settle(sim);
}

static void cut_in_groups(struct sim *sim)
{
    cut(sim, 1, 2);
    cut(sim, 1, 3);
    cut(sim, 4, 2);
    cut(sim, 4, 3);
}

static void heal_groups(struct sim *sim)
{
    heal(sim, 1, 2);
    heal(sim, 1, 3);
    heal(sim, 4, 2);
    heal(sim, 4, 3);
}

/* The single-server bug: the next leader changes another set than the old one did. */
static void one_server_at_a_time(struct sim *sim)
{
    story_nodes(sim, 3);
    spare(sim, 4);
    spare(sim, 5);
    story_begin(sim);
    sim_say(sim, "node1 adds node4; nobody else hears of it");
    member_change(sim, 1, 4, MEMBER_ADD);
    sim_run(sim, 5);
    cut_in_groups(sim);
    cut(sim, 1, 5);
    cut(sim, 4, 5);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "node2 leads, and adds node5: once a majority has its term");
    sim_pg_demote(sim, 5, 2);
    sim_run(sim, 3000);
    member_change(sim, 2, 5, MEMBER_ADD);
    sim_run(sim, 3000);
    sim_say(sim, "node2 and node5 are cut off from node3, which reaches the others");
    heal_groups(sim);
    heal(sim, 1, 5);
    heal(sim, 4, 5);
    sim_isolate(sim, 2);
    sim_run(sim, FAILOVER_MS);
    sim_rejoin_network(sim, 2);
    story_settle(sim);
}

/* Its version is above all that a later leader would give. */
static void membership_lost_with_its_leader(struct sim *sim)
{
    story_nodes(sim, 3);
    spare(sim, 4);
    story_begin(sim);
    sim_say(sim, "node1 adds node4; nobody else hears of it");
    member_change(sim, 1, 4, MEMBER_ADD);
    sim_run(sim, 5);
    cut_in_groups(sim);
    sim_run(sim, FAILOVER_MS);
    heal_groups(sim);
    sim_pg_demote(sim, 1, 2);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_say(sim, "node1 votes with the others again");
    sim_host_crash(sim, 2);
    story_settle(sim);
}

/* The one with the most WAL gets no vote: what it has is fetched, and it is not waited
 * for. */
static void furthest_with_an_older_membership(struct sim *sim)
{
    story_nodes(sim, 3);
    story_begin(sim);
    for (int id = 2; id <= 3; id++) {
        sim_cut(sim, id, 1);
        sim_daemon_stop(sim, id);
    }
    sim_run(sim, 300);
    sim_host_crash(sim, 1);
    sim_say(sim, "node2 and node3 keep a change of who votes that was lost with it");
    for (int id = 2; id <= 3; id++) {
        sim_heal(sim, id, 1);
        sim_node(sim, id)->file.members_version += 1;
        sim_daemon_start(sim, id);
    }
    sim_host_boot(sim, 1, 100, 0);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

static void two_commands_at_once(struct sim *sim)
{
    story_nodes(sim, 3);
    spare(sim, 4);
    spare(sim, 5);
    story_begin(sim);
    member_change(sim, 1, 4, MEMBER_ADD);
    member_change(sim, 2, 5, MEMBER_ADD);
    sim_run(sim, 3000);
    sim_say(sim, "the second one, again");
    member_change(sim, 2, 5, MEMBER_ADD);
    sim_run(sim, 3000);
    check_stable(sim);
}

/* M2 */
static void maintenance(struct sim *sim)
{
    story_nodes(sim, 5);
    story_begin(sim);
    member_change(sim, 1, 4, MEMBER_REST);
    sim_run(sim, 1500);
    member_change(sim, 1, 5, MEMBER_REST);
    sim_run(sim, 1500);
    sim_say(sim, "two of five are in maintenance; a third one is lost");
    sim_host_crash(sim, 3);
    sim_host_crash(sim, 4);
    sim_host_crash(sim, 5);
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
    sim_host_boot(sim, 3, 300, 0);
    sim_host_boot(sim, 4, 300, 0);
    sim_host_boot(sim, 5, 300, 0);
    sim_run(sim, 3000);
    member_change(sim, 2, 4, MEMBER_RETURN);
    story_settle(sim);
}

/* ---- 7: a copied machine
 * -------------------------------------------------------------- */

static void cloned_node(struct sim *sim)
{
    int twin;

    story_nodes(sim, 3);
    story_begin(sim);
    twin = sim_clone(sim, 3);
    sim_run(sim, FAILOVER_MS);
    if (!sim_node(sim, 3)->daemon.said_twin || !sim_node(sim, twin)->daemon.said_twin)
        sim_fail(sim, "D3: two daemons have one id, and nobody says so");
    sim_say(sim, "the copy is switched off");
    sim_host_crash(sim, twin);
    story_settle(sim);
}

/* ---- 8: echoes from the future
 * --------------------------------------------------------- */

/* The clock begins anew, and the few bits of the boot's id happen to be the same. The
 * guard is left out, for only a writable PostgreSQL needs a lease. */
static void echoes_from_the_future(struct sim *sim)
{
    struct sim_node *node;

    story_nodes(sim, 3);
    sim->without |= SIM_BOOT_ID;
    story_begin(sim);
    node = sim_node(sim, 1);
    sim_host_crash(sim, 1);
    sim_run(sim, 100);
    sim_say(sim, "node1 is back before the others miss it: they echo its former clock");
    sim->excuse |= SIM_BY_HAND;
    node->pg.guard = false;
    node->file.incarnation = 0; /* nothing arms it at this start */
    sim_host_boot(sim, 1, 50, 60);
    node->file.incarnation = 1;
    sim_run(sim, 1500);
    if (!node->pg.frozen)
        sim_fail(sim, "N4: echoes from the future made a lease");
    story_settle(sim);
}

/* ---- 9: a renewal has no timeline, a late promotion has one
 * -------------------------- */

static void late_promotion_of_a_loser(struct sim *sim)
{
    struct sim_node *loser;

    story_nodes(sim, 5);
    story_begin(sim);
    loser = sim_node(sim, 2);
    sim_say(sim, "node2 was promoting for term 5, which node3 has promised it");
    sim_isolate(sim, 2);
    sim_daemon_and_sentry_die(sim, 2);
    sim_daemon_stop(sim, 3);
    loser->file.term = sim_node(sim, 3)->file.term = 5;
    loser->file.leader_id = sim_node(sim, 3)->file.leader_id = 2;
    loser->file.duty = CORE_DUTY_PROMOTING;
    sim_daemon_start(sim, 3);
    sim_run(sim, 8000);
    sim_say(sim, "node1 has renewed, on timeline 1; the promotion of node2 ends now");
    pg_promote(sim, 2);
    sim_run(sim, 3000);
    sim_daemon_start(sim, 2);
    sim_run(sim, 3000);
    sim_rejoin_network(sim, 2);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim,
            "node2 has the later timeline and the lower id, others the later term");
    sim_host_crash(sim, 1);
    sim_run(sim, FAILOVER_MS);
    if (!world_is_writable(sim, 3))
        sim_fail(sim, "P1: node3 has WAL of the latest term, and does not lead");
}

/* ---- 15: two nodes, one term
 * ----------------------------------------------------------- */

static void two_nodes_one_term(struct sim *sim)
{
    story_nodes(sim, 2);
    story_begin(sim);
    sim_isolate(sim, 1);
    sim_pg_crash_restart(sim, 1);
    sim_run(sim, FAILOVER_MS);
    sim_say(sim, "each has elected itself for term 2");
    sim_rejoin_network(sim, 1);
    sim_run(sim, FAILOVER_MS);
}

/* ---- M4: what a stopped daemon leaves behind
 * ------------------------------------------- */

static void stopped_while_promoting(struct sim *sim)
{
    story_nodes(sim, 3);
    sim_node(sim, 2)->promotion.takes_ms = 9000;
    sim_node(sim, 3)->settings.failover = CORE_FAILOVER_MANUAL;
    story_begin(sim);
    sim_pg_kill(sim, 1);
    sim_until(sim, 2, CORE_PROMOTING, FAILOVER_MS);
    sim_run(sim, 500);
    sim_daemon_leave(sim, 2, false);
    sim_run(sim, 12000);
    sim_say(sim, "its sentry has ended what it was promoting");
    sim_daemon_start(sim, 2);
    sim_pg_start_unit(sim, 1, 300);
    story_settle(sim);
}

/* clang-format off */
const struct sim_scenario sim_member_stories[] = {
    {"reboot_while_electing", "3.10-1: the leader reboots while another stands", reboot_while_electing},
    {"handover_nobody_takes", "3.10-4: resigned for another that never comes", handover_nobody_takes},
    {"resigned_and_writable", "3.10-4, C7: the same, started without its guard", resigned_and_writable},
    {"back_before_it_is_looked_at", "L3: a postmaster that was gone a moment ago", back_before_it_is_looked_at},
    {"three_to_two", "3.10-6: from three voters to two under a cut", three_to_two},
    {"two_to_three", "3.10-6: from two voters to three under a cut", two_to_three},
    {"one_server_at_a_time", "3.10-6, M1: two leaders change who votes", one_server_at_a_time},
    {"membership_lost_with_its_leader", "3.10-6, M1: what one node has kept, no leader has", membership_lost_with_its_leader},
    {"furthest_with_an_older_membership", "E9, M1: the most advanced keeps an older membership", furthest_with_an_older_membership},
    {"two_commands_at_once", "M1: two operators change who votes", two_commands_at_once},
    {"maintenance", "M2: who is in maintenance is not needed", maintenance},
    {"cloned_node", "3.10-7, D3: two daemons with one id, one state file", cloned_node},
    {"echoes_from_the_future", "3.10-8: two boots share the bits of their id", echoes_from_the_future},
    {"late_promotion_of_a_loser", "3.10-9: after a renewal, which has no timeline", late_promotion_of_a_loser},
    {"two_nodes_one_term", "3.10-15: two nodes, both back, the same term", two_nodes_one_term},
    {"stopped_while_promoting", "M4, L7: the sentry stays with a promotion", stopped_while_promoting},
};
/* clang-format on */
const int sim_n_member_stories =
    (int)(sizeof sim_member_stories / sizeof *sim_member_stories);
