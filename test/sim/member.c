/* member.c - operators change who belongs to the cluster (the twin of cli/membership.c
 * and of the commands that use it), copy machines, and give a node a new state file.
 *
 * A command runs on some node's host and has only what it reaches from there: it finds
 * the one primary, waits until a majority of the voters has confirmed the present
 * membership (M1), and writes. Between its last look and the write time passes. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "operator.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

#define WAIT_MS 10000
#define POLL_MS 300

/* ---- asking (gather.c, daemons.c) -------------------------------------------------
 */

struct answers {
    struct core_observation seen[SIM_MAX_NODES + 1]; /* by node id */
    int n_notes;
    struct core_note notes[SIM_MAX_NODES * SIM_MAX_SESSIONS];
};

static void
ask(struct sim *sim, int from, const struct sim_table *set, struct answers *ret)
{
    *ret = (struct answers){0};
    for (int i = 0; i < set->n; i++) {
        int id = set->v[i].id;

        world_look(sim, from, id, &ret->seen[id]);
        if (ret->seen[id].reach == REACH_OK)
            ret->n_notes += board_read(sim, id, 0, ret->notes + ret->n_notes);
    }
}

static const struct core_note *newest(const struct answers *answers, int id)
{
    const struct core_note *best = NULL;

    for (int i = 0; i < answers->n_notes; i++) {
        const struct core_note *note = &answers->notes[i];

        if (note->node_id != id)
            continue;
        if (best == NULL || note->incarnation > best->incarnation ||
            (note->incarnation == best->incarnation &&
             note->stamp.boot == best->stamp.boot && note->stamp.ms > best->stamp.ms))
            best = note;
    }
    return best;
}

/* 0 when none answers, or more than one. */
static int only_primary(const struct sim_table *set, const struct answers *answers)
{
    int primary = 0;

    for (int i = 0; i < set->n; i++) {
        const struct core_observation *seen = &answers->seen[set->v[i].id];

        if (seen->reach != REACH_OK || seen->in_recovery ||
            seen->system_identifier != SIM_SYSTEM)
            continue;
        if (primary != 0)
            return 0;
        primary = set->v[i].id;
    }
    return primary;
}

/* ---- M1 (membership.c) -------------------------------------------------------------
 */

static bool has_confirmed(const struct core_member *member,
                          const struct answers *answers,
                          int64_t version,
                          int64_t term)
{
    const struct core_observation *seen = &answers->seen[member->id];
    const struct core_note *note = newest(answers, member->id);

    if (note == NULL || note->voiceless || note->members_version < version)
        return false;
    if (member->role == CORE_ROLE_WITNESS)
        return note->term >= term;
    return seen->reach == REACH_OK && seen->term >= term;
}

/* Who has not recorded its own term yet changes nothing: the version would be one of
 * the former leader's term, and the majority that is asked for would be of that one. */
static bool leads(const struct answers *answers, int primary_id)
{
    const struct core_note *note = newest(answers, primary_id);

    return note != NULL && note->phase == CORE_PHASE_LEAD &&
           note->term == answers->seen[primary_id].term;
}

/* A majority has confirmed `set`, or there is no daemon that could; the same of those
 * who vote without `leaving`. */
static bool is_settled(const struct sim_table *set,
                       const struct answers *answers,
                       int primary_id,
                       int leaving)
{
    int voters = 0, confirmed = 0, rest = 0, there = 0;
    bool daemons = false;

    for (int i = 0; i < set->n; i++) {
        if (!set->v[i].voting)
            continue;
        voters++;
        daemons = daemons || newest(answers, set->v[i].id) != NULL;
        if (set->v[i].id != leaving)
            rest++;
        if (!has_confirmed(&set->v[i], answers, set->members_version,
                           answers->seen[primary_id].term))
            continue;
        confirmed++;
        there += set->v[i].id != leaving;
    }
    return !daemons || (confirmed >= voters / 2 + 1 && there >= rest / 2 + 1 &&
                        leads(answers, primary_id));
}

static int leaving_of(const struct sim_command *command)
{
    return command->change == MEMBER_REMOVE || command->change == MEMBER_REST
               ? command->id
               : 0;
}

/* ---- one command --------------------------------------------------------------------
 */

static const char *verb(enum member_change change)
{
    switch (change) {
    case MEMBER_ADD:
        return "register";
    case MEMBER_REMOVE:
        return "unregister";
    case MEMBER_REST:
        return "maintenance on, of";
    case MEMBER_RETURN:
        return "maintenance off, of";
    }
    return "?";
}

static void end(struct sim *sim, struct sim_command *command, const char *how)
{
    trace_world(sim, "%s node%d, on node%d: %s", verb(command->change), command->id,
                command->from, how);
    command->running = false;
}

static bool follows_somebody(const struct sim_table *set, int id)
{
    for (int i = 0; i < set->n; i++)
        if (set->v[i].upstream_id == id)
            return true;
    return false;
}

static int n_named(const struct sim *sim)
{
    int n = 0;

    for (int id = 1; id <= sim->n; id++)
        n += sim->nodes[id].id != 0 && sim->nodes[id].named &&
             !sim->nodes[id].settings.witness;
    return n;
}

/* What the command refuses at once, or NULL. */
static const char *refusal(struct sim *sim, struct sim_command *command)
{
    const struct sim_node *node = &sim->nodes[command->id];
    const struct core_member *record = world_record_of(&command->set, command->id);

    if (command->change == MEMBER_ADD) {
        if (record != NULL)
            return "it is registered";
        if (!node->settings.witness &&
            (node->pg.state != SIM_PG_UP || !node->pg.in_recovery ||
             !node->pg.streaming || node->pg.upstream_id != command->primary_id))
            return "it is not attached to the primary";
        return NULL;
    }
    if (record == NULL)
        return "it is not registered";
    if (command->id == command->primary_id)
        return "it is the running primary";
    if (command->change == MEMBER_REMOVE &&
        follows_somebody(&command->set, command->id))
        return "others follow it";
    if (command->change == MEMBER_REMOVE && sim->copies > 0 &&
        !node->settings.witness && n_named(sim) <= sim->copies + 2)
        return "its copies are needed";
    if (command->change == MEMBER_REST ? !record->voting : record->voting)
        return command->change == MEMBER_REMOVE ? NULL : "it is so already";
    return NULL;
}

/* Who is to leave confirms no commit any more, and what it confirmed somebody else has.
 */
static bool is_replaced(struct sim *sim, const struct sim_command *command)
{
    return command->change != MEMBER_REMOVE || sim->copies == 0 ||
           sim->nodes[command->id].settings.witness ||
           commit_confirmed(sim, command->primary_id) >= command->position;
}

static void poll_command(struct sim *sim, int at, int unused);

static void write_change(struct sim *sim, int at, int unused)
{
    struct sim_command *command = &sim->commands[at];
    struct sim_pg *pg = &sim->nodes[command->primary_id].pg;

    if (pg->start_uid != command->start_uid || pg->state != SIM_PG_UP ||
        sim->nodes[command->from].host_down) {
        end(sim, command, "the session is lost");
        return;
    }
    if (pg->frozen || pg->hung || pg->stuck ||
        !world_reaches(sim, command->from, command->primary_id) ||
        world_is_paused(sim, command->primary_id) ||
        world_is_paused(sim, command->from)) {
        sim_later(sim, 40, write_change, at, unused);
        return;
    }
    if (pg->in_recovery || pg->failing)
        end(sim, command, "the server refuses");
    else if ((sim->without & SIM_VERSION) == 0 &&
             pg->table.members_version != command->set.members_version)
        end(sim, command, "somebody else has changed the membership meanwhile");
    else if (world_change_member(sim, command->primary_id, command->id,
                                 command->change))
        end(sim, command, "done");
    else
        end(sim, command, "its record has changed meanwhile");
}

static void poll_command(struct sim *sim, int at, int unused)
{
    struct sim_command *command = &sim->commands[at];
    struct answers answers;

    if (sim->nodes[command->from].host_down) {
        end(sim, command, "its host is gone");
        return;
    }
    ask(sim, command->from, &command->set, &answers);
    if (is_settled(&command->set, &answers, command->primary_id, leaving_of(command)) &&
        is_replaced(sim, command)) {
        sim_later(sim,
                  sim_mishap(sim, 10) ? sim_random(sim, 100, 15000)
                                      : sim_vary(sim, 10, 1, 100),
                  write_change, at, unused);
        return;
    }
    if (mono_reached(command->deadline, sim->now)) {
        end(sim, command, "refused: no majority has confirmed the present membership");
        if (!sim->nodes[command->id].named && command->change == MEMBER_REMOVE)
            sim->nodes[command->id].named = true;
        return;
    }
    sim_later(sim, POLL_MS, poll_command, at, unused);
}

static struct sim_command *free_command(struct sim *sim)
{
    for (int i = 0; i < SIM_MAX_COMMANDS; i++)
        if (!sim->commands[i].running)
            return &sim->commands[i];
    return NULL;
}

/* Any node that answers knows the others; the primary's table is the newest. */
static bool find_primary(struct sim *sim, struct sim_command *command)
{
    struct answers answers;

    for (int id = 1; id <= sim->n; id++) {
        struct core_observation seen;
        const struct sim_pg *pg = &sim->nodes[id].pg;

        if (sim->nodes[id].id == 0 || sim->nodes[id].twin_of != 0)
            continue;
        world_look(sim, command->from, id, &seen);
        if (seen.reach != REACH_OK || pg->table.n == 0)
            continue;
        ask(sim, command->from, &pg->table, &answers);
        command->primary_id = only_primary(&pg->table, &answers);
        if (command->primary_id == 0)
            continue;
        command->set = sim->nodes[command->primary_id].pg.table;
        command->start_uid = sim->nodes[command->primary_id].pg.start_uid;
        command->position = sim->nodes[command->primary_id].pg.lsn;
        return true;
    }
    return false;
}

void member_change(struct sim *sim, int from, int id, enum member_change change)
{
    struct sim_command *command = free_command(sim);
    const char *why;

    if (command == NULL || sim->nodes[from].host_down)
        return;
    *command = (struct sim_command){.running = true,
                                    .change = change,
                                    .id = id,
                                    .from = from,
                                    .deadline = mono_add(sim->now, WAIT_MS)};
    if (!find_primary(sim, command)) {
        end(sim, command, "there is not one primary");
        return;
    }
    why = refusal(sim, command);
    if (why != NULL) {
        end(sim, command, why);
        return;
    }
    trace_world(sim, "%s node%d, on node%d: begins", verb(change), id, from);
    if (change == MEMBER_REMOVE)
        sim->nodes[id].named = false;
    poll_command(sim, (int)(command - sim->commands), 0);
}

/* ---- what comes with it
 * -------------------------------------------------------------- */

static void start_daemon(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down)
        sim_daemon_start(sim, id);
}

/* Who leads can count on its copy once no majority can elect without knowing of it. */
static void name_it(struct sim *sim, int id, int version)
{
    const struct sim_table *set = NULL;
    int voters = 0, confirmed = 0;

    for (int at = 1; at <= sim->n; at++)
        if (sim->nodes[at].id != 0 && sim->nodes[at].stored.members_version >= version)
            set = &sim->nodes[at].stored;
    for (int i = 0; set != NULL && i < set->n; i++) {
        if (!set->v[i].voting)
            continue;
        voters++;
        confirmed += sim->nodes[set->v[i].id].file.members_version >= version;
    }
    if (set != NULL && confirmed >= voters / 2 + 1)
        sim->nodes[id].named = true;
    else
        sim_later(sim, POLL_MS, name_it, id, version);
}

void member_added(struct sim *sim, int id, int64_t version)
{
    struct sim_node *node = &sim->nodes[id];

    node->spare = false;
    if (node->file.incarnation == 0)
        node->file = (struct core_durable){.incarnation = node->lost_incarnation + 1,
                                           .copies = CORE_COPIES_UNKNOWN};
    sim_daemon_stop(sim, id); /* one that ran already has found no file */
    sim_later(sim, sim_vary(sim, 100, 10, 3000), start_daemon, id, 0);
    name_it(sim, id, (int)version);
}

void member_removed(struct sim *sim, int id)
{
    sim->nodes[id].spare = true;
    if (sim_mishap(sim, 50))
        sim_daemon_stop(sim, id);
}

/* admission.c: what it had promised before is not known. */
void member_readmit(struct sim *sim, int id, int unused)
{
    struct sim_command command = {.id = id, .from = id};
    struct sim_node *node = &sim->nodes[id];
    const struct sim_row *row;

    (void)unused;
    if (node->host_down || node->file.incarnation != 0 || !find_primary(sim, &command))
        return;
    row = world_row(&sim->nodes[command.primary_id].pg);
    if (row == NULL || command.primary_id == id)
        return;
    trace_world(sim, "an operator gives node%d a new state file", id);
    node->file = (struct core_durable){.incarnation = node->lost_incarnation + 1,
                                       .copies = CORE_COPIES_UNKNOWN,
                                       .term = row->term,
                                       .leader_id = row->leader,
                                       .duty = row->leader == id ? CORE_DUTY_RESIGNED
                                                                 : CORE_DUTY_FOLLOWER};
    sim_daemon_stop(sim, id);
    sim_daemon_start(sim, id);
}

/* ---- a copy of a machine
 * --------------------------------------------------------------- */

int sim_clone(struct sim *sim, int id)
{
    struct sim_node *old = sim_node(sim, id), *node;

    if (sim->n == SIM_MAX_NODES || old->settings.witness)
        return 0;
    node = &sim->nodes[++sim->n];
    *node = *old;
    node->id = sim->n;
    node->twin_of = id;
    node->daemon = (struct sim_daemon){0};
    node->sentry = (struct sim_sentry){0};
    node->host_down = false;
    node->n_promises = 0;
    node->settings.boot ^= 0x1555; /* its next boot is not one of the other's */
    node->spare = true;
    node->named = false;
    node->pg.state = SIM_PG_DOWN;
    node->pg.n_sessions = 0;
    node->pg.frozen = false;
    node->pg.orphans_until.ms = 0;
    node->pg.streaming = false;
    (void)snprintf(node->settings.self_name, sizeof node->settings.self_name, "twin%d",
                   id);
    sim->excuse |= SIM_COPIED; /* state files are not honest any more */
    trace_world(sim, "the machine of node%d is copied, state file and all", id);
    sim_host_boot(sim, node->id, 500, 0);
    return node->id;
}
