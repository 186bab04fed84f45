/* explain_fixture.c - see explain_fixture.h. */
#include "explain_fixture.h"

#include <stdio.h>
#include <string.h>

#define SYSTEM UINT64_C(77)
#define BEAT   500

struct situation world;

struct actor *actor(int id)
{
    return &world.v[id - 1];
}

struct core_member *member(int id)
{
    return &world.facts.members[id - 1];
}

static void add_node(int id)
{
    struct actor *one = actor(id);

    *member(id) = (struct core_member){
        .id = id,
        .role = id == 1 ? CORE_ROLE_PRIMARY : CORE_ROLE_STANDBY,
        .upstream_id = id == 1 ? 0 : 1,
        .priority = 100,
        .active = true,
        .voting = true,
    };
    (void)snprintf(member(id)->name, CORE_NAME_SIZE, "node%d", id);
    *one = (struct actor){.daemon = true};
    one->seen = (struct core_observation){
        .node_id = id,
        .reach = REACH_OK,
        .connected = true,
        .in_recovery = id != 1,
        .system_identifier = SYSTEM,
        .timeline = 1,
        .term = 7,
        .receiver_streaming = id != 1,
        .receiver_age_ms = id != 1 ? 10 : -1,
    };
    one->seen.position.pos = 0x5000000;
    one->note = (struct core_note){
        .phase = id == 1 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
        .node_id = id,
        .term = 7,
        .leader_id = 1,
        .window_ms = WINDOW,
        .members_version = 3,
        .incarnation = 1,
    };
}

/* Node 1 leads term 7, the others follow; asked from node 2. */
void situation_begin(int n)
{
    memset(&world, 0, sizeof world);
    world.facts.settings = (struct core_settings){
        .self_id = 2,
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = CORE_CHECK_PING,
        .reconnect_attempts = 5,
        .reconnect_interval_ms = 2000,
        .beat_ms = BEAT,
        .startup_patience_ms = 60000,
        .promote_deadline_ms = 20000,
        .follow_deadline_ms = 20000,
    };
    world.facts.members_version = 3;
    world.facts.n_members = n;
    for (int id = 1; id <= n; id++)
        add_node(id);
}

/* Hosts were booted at different times. */
static struct core_stamp stamp(int id, int round)
{
    return (struct core_stamp){.boot = (uint32_t)(100 + id),
                               .ms = INT64_C(7000000) * id + BEAT * round};
}

static int write_notes(int round)
{
    int n = 0;

    for (int id = 1; id <= world.facts.n_members; id++) {
        struct core_note note = actor(id)->note;
        int when = actor(id)->lingers ? -240 : round; /* stopped two minutes ago */

        if (!actor(id)->daemon)
            continue;
        note.stamp = stamp(id, when);
        if (note.leader_id != 0) {
            note.echo = stamp(note.leader_id, when);
            note.echo.ms -= note.leader_id == id ? 0 : 210;
        }
        world.notes[round][n++] = note;
    }
    return n;
}

/* Two rounds of a beat: every board that can be read holds every note. */
const struct explain *situation_explain(int node_id)
{
    for (int round = 0; round < N_ROUNDS; round++) {
        int n = write_notes(round);

        for (int id = 1; id <= world.facts.n_members; id++) {
            struct rehearse_look *look = &world.looks[world.facts.n_looks++];

            *look = (struct rehearse_look){
                .at = {3000000 + BEAT * round},
                .seen = actor(id)->seen,
                .notes = world.notes[round],
                .n_notes = n,
            };
        }
    }
    world.facts.looks = world.looks;
    explain_build(&world.explain, &world.facts, node_id);
    return &world.explain;
}

static void server_down(int id, enum reach reach)
{
    actor(id)->seen = (struct core_observation){.node_id = id, .reach = reach};
}

static void host_gone(int id)
{
    server_down(id, REACH_SILENT);
    actor(id)->daemon = false;
}

/* Its daemon has lost its leader, and supports nobody. */
static void asks(int id)
{
    actor(id)->note.phase = CORE_PHASE_ASK;
    actor(id)->note.leader_id = 0;
    actor(id)->seen.receiver_streaming = false;
}

static void behind(int id, uint64_t bytes)
{
    actor(id)->seen.position.pos -= bytes;
}

static void witness(int id)
{
    member(id)->role = CORE_ROLE_WITNESS;
    server_down(id, REACH_REFUSED);
}

/* ---- the situations
 * ------------------------------------------------------------------ */

void three_nodes(void)
{
    situation_begin(3);
    member(3)->priority = 120;
}

static void priority_zero(void)
{
    situation_begin(3);
    member(2)->priority = 0;
}

static void zero_everywhere(void)
{
    situation_begin(3);
    member(2)->priority = 0;
    member(3)->priority = 0;
}

void candidate_behind(void)
{
    situation_begin(3);
    behind(2, 20 << 20);
    behind(3, 100);
}

static void one_daemon_of_three(void)
{
    situation_begin(3);
    host_gone(3);
}

static void standby_daemons_dead(void)
{
    situation_begin(3);
    actor(2)->daemon = false;
    actor(3)->daemon = false;
}

static void two_nodes(void)
{
    situation_begin(2);
}

static void two_nodes_majority(void)
{
    situation_begin(2);
    world.facts.settings.quorum = CORE_QUORUM_MAJORITY;
}

static void witness_of_two(void)
{
    situation_begin(3);
    witness(3);
}

static void voiceless(void)
{
    situation_begin(3);
    actor(3)->note.voiceless = true;
    actor(3)->note.incarnation = 0;
    asks(3);
}

static void leaders_daemon_dead(void)
{
    situation_begin(3);
    actor(1)->daemon = false;
    asks(2);
    asks(3);
}

static void a_note_lingers(void)
{
    situation_begin(3);
    actor(3)->lingers = true;
}

static void manual_here(void)
{
    situation_begin(3);
    world.facts.settings.failover = CORE_FAILOVER_MANUAL;
}

static void standby_down(void)
{
    situation_begin(3);
    server_down(3, REACH_REFUSED);
}

static void another_cluster(void)
{
    situation_begin(3);
    actor(3)->seen.system_identifier = SYSTEM + 1;
}

static void synchronous(void)
{
    situation_begin(3);
    actor(1)->seen.copies = 1;
    behind(2, 4096);
}

static void synchronous_standby_down(void)
{
    synchronous();
    server_down(3, REACH_REFUSED);
}

static void frozen(void)
{
    situation_begin(3);
    server_down(1, REACH_SILENT);
    actor(1)->note.frozen = true;
    asks(2);
    asks(3);
}

static void two_primaries(void)
{
    situation_begin(3);
    actor(3)->seen.in_recovery = false;
    actor(3)->seen.term = 6;
    actor(3)->daemon = false;
}

static void election_free(void)
{
    situation_begin(3);
    host_gone(1);
    asks(2);
    asks(3);
}

static void election_promised(void)
{
    situation_begin(3);
    host_gone(1);
    asks(2);
}

static void election_no_quorum(void)
{
    situation_begin(3);
    host_gone(1);
    host_gone(3);
    asks(2);
}

static void election_resigned(void)
{
    situation_begin(3);
    server_down(1, REACH_REFUSED);
    actor(1)->note.phase = CORE_PHASE_RESIGNED;
    actor(1)->note.leader_id = 0;
    asks(2);
    asks(3);
}

static void election_all_manual(void)
{
    situation_begin(3);
    host_gone(1);
    for (int id = 2; id <= 3; id++) {
        asks(id);
        actor(id)->note.phase = CORE_PHASE_PASS;
    }
}

const struct situation_case situations[] = {
    {"three nodes, node3 of a higher priority", three_nodes,              3, 3, true },
    {"node2 has priority 0",                    priority_zero,            3, 3, true },
    {"every standby has priority 0",            zero_everywhere,          0, 0, false},
    {"node2 is behind",                         candidate_behind,         3, 3, true },
    {"node3 is gone",                           one_daemon_of_three,      2, 0, false},
    {"no standby has a daemon",                 standby_daemons_dead,     0, 0, false},
    {"two nodes",                               two_nodes,                2, 2, true },
    {"two nodes, quorum = majority",            two_nodes_majority,       2, 0, false},
    {"two nodes and a witness",                 witness_of_two,           2, 2, true },
    {"node3 has no voice",                      voiceless,                2, 0, false},
    {"the daemon of the primary is dead",       leaders_daemon_dead,      0, 2, true },
    {"the daemon of node3 hangs",               a_note_lingers,           2, 0, false},
    {"node2, asked from, is manual",            manual_here,              3, 3, true },
    {"the PostgreSQL of node3 is down",         standby_down,             2, 2, true },
    {"node3 is of another cluster",             another_cluster,          2, 0, false},
    {"synchronous, node2 behind",               synchronous,              3, 3, true },
    {"synchronous, node3 down",                 synchronous_standby_down, 0, 0, false},
    {"the primary is frozen",                   frozen,                   2, 2, true },
    {"two primaries",                           two_primaries,            2, 0, false},
    {"the primary's host is gone",              election_free,            0, 2, true },
    {"the same, node3 still supports it",       election_promised,        0, 2, true },
    {"the same, and node3 is gone",             election_no_quorum,       0, 0, false},
    {"the primary has resigned",                election_resigned,        0, 2, true },
    {"the primary is gone, nobody stands",      election_all_manual,      0, 0, false},
};

const int n_situations = N_OF(situations);
