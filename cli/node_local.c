/* node_local.c - see node_local.h. */
#include "node_local.h"

#include <inttypes.h>
#include <stdint.h>

#include "guard.h"
#include "sentry_file.h"

void node_local_read(const struct config *config, struct node_local *ret)
{
    struct err err = ERR_INIT;
    uint64_t start;

    *ret = (struct node_local){0};
    ret->state_code =
        state_load(config->state_directory, config->node_id, 0, &ret->state, &err);
    (void)snprintf(ret->state_error, sizeof ret->state_error, "%s", err.text);
    ret->sentry = sentry_file_read(config->state_directory, &start);
    if (config->type == CONFIG_NODE_WITNESS)
        return;
    ret->guard_armed = guard_is_armed(config->data_directory);
    ret->guard_held = guard_is_held(config->data_directory);
}

void node_local_deinit(struct node_local *local)
{
    state_free(&local->state);
}

/* "node \"node2\" (ID: 2)", by the state file. */
static void write_node(const struct state *state, int id, char *buf, size_t size)
{
    const struct node_record *record = nodeset_find(&state->nodes, id);

    if (record != NULL)
        (void)snprintf(buf, size, "node \"%s\" (ID: %d)", record->name, id);
    else
        (void)snprintf(buf, size, "node %d", id);
}

const char *node_local_promise(const struct state *state,
                               char buf[static NODE_LOCAL_TEXT_SIZE])
{
    const struct core_durable *durable = &state->durable;
    char leader[CORE_NAME_SIZE + 32] = "nobody";
    const char *verb = NULL;
    int64_t term = durable->term;

    switch (durable->duty) {
    case CORE_DUTY_LEADING:
        verb = "leads in";
        term = durable->lead_term;
        break;
    case CORE_DUTY_PROMOTING:
        verb = "is being promoted in";
        break;
    case CORE_DUTY_CANDIDATE:
        verb = "canvasses for";
        break;
    case CORE_DUTY_RESIGNED:
        verb = "gave up";
        break;
    case CORE_DUTY_FOLLOWER:
        break;
    }
    if (durable->leader_id != 0)
        write_node(state, durable->leader_id, leader, sizeof leader);
    if (verb != NULL)
        (void)snprintf(buf, NODE_LOCAL_TEXT_SIZE, "%s term %" PRId64, verb, term);
    else if (term == 0)
        (void)snprintf(buf, NODE_LOCAL_TEXT_SIZE, "none yet");
    else
        (void)snprintf(buf, NODE_LOCAL_TEXT_SIZE, "supports %s in term %" PRId64,
                       leader, term);
    return buf;
}

const char *node_local_guard(const struct node_local *local, bool in_recovery)
{
    if (local->guard_held)
        return "held: PostgreSQL is not started before it is elected";
    if (in_recovery)
        return local->guard_armed ? "not needed: a standby"
                                  : "missing: \"standby.signal\" is not there";
    return local->guard_armed
               ? "armed: PostgreSQL comes up read-only until it is elected"
               : "not armed";
}
