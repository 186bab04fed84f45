/* revoke_tool.c - what a daemon does to its own PostgreSQL around an election, on real
 * servers, for test_traps.py.
 *
 *     revoke_tool PGRMON.CONF revoke | promote | start [DEADLINE_MS]
 *     revoke_tool PGRMON.CONF follow NODE_ID CONNINFO [DEADLINE_MS]
 *
 * Runs one of the daemon's actions, without the core, and prints its outcome as lines
 * "key value"; the log goes to standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "daemon.h"
#include "log.h"
#include "reload.h"
#include "resolve.h"
#include "revoke.h"
#include "startpg.h"

#define DEADLINE_MS 10000

static struct mono begun;

static void print_took(void)
{
    printf("took %" PRId64 "\n", mono_diff(mono_now(), begun));
}

static void on_revoked(void *arg, uint32_t id, const struct revoke_end *end)
{
    char position[LSN_TEXT_SIZE];

    printf("ok %d\nid %u\nwhy %s\ntext %s\nknown %d\nterm %" PRId64 "\nposition %s\n",
           end->ok, id, revoke_why_name(end->why), end->text, end->report.known,
           end->report.term, lsn_format(end->report.position, position));
    print_took();
    ev_break(arg, EVBREAK_ALL);
}

static void on_started(void *arg, uint32_t id, const struct startpg_end *end)
{
    printf("ok %d\nid %u\ntext %s\n", end->ok, id, end->text);
    print_took();
    ev_break(arg, EVBREAK_ALL);
}

/* An action ends in the core, and there is none here. */
static void on_turn(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    const struct daemon *daemon = prepare->data;

    (void)revents;
    if (daemon->action == NULL || !daemon->action->ended)
        return;
    printf("ok %d\n", daemon->action->ok);
    print_took();
    ev_break(loop, EVBREAK_ALL);
}

static void add_node(struct daemon *daemon, int id, const char *conninfo)
{
    struct node_record *node = &daemon->nodes.v[daemon->nodes.n++];

    node->id = id;
    (void)snprintf(node->name, sizeof node->name, "node%d", id);
    node->conninfo = xstrdup(conninfo);
    node->config_file = xstrdup("");
    node->active = true;
}

static bool begin(struct daemon *daemon, int argc, char **argv)
{
    bool follow = strcmp(argv[2], "follow") == 0 && argc > 4;
    int n = follow ? 5 : 3;
    struct core_effect effect = {
        .id = 7, .deadline_ms = argc > n ? atoll(argv[n]) : DEADLINE_MS};

    begun = mono_now();
    if (follow) {
        effect.node_id = atoi(argv[3]);
        add_node(daemon, effect.node_id, argv[4]);
        follow_start(daemon, &effect);
    } else if (strcmp(argv[2], "promote") == 0) {
        promote_start(daemon, &effect);
    } else if (strcmp(argv[2], "revoke") == 0) {
        (void)revoke_start(daemon, effect.id, effect.deadline_ms, on_revoked,
                           daemon->loop);
    } else if (strcmp(argv[2], "start") == 0) {
        (void)startpg_start(daemon, effect.id, effect.deadline_ms, on_started,
                            daemon->loop);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.loop = ev_default_loop(EVFLAG_NOENV)};
    struct err err = ERR_INIT;
    ev_prepare prepare;
    int rc = 2;

    if (argc < 3)
        return rc;
    if (config_load(&daemon.config, argv[1], &err) < 0 ||
        reload_open_log(&daemon.config, NULL, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        return 1;
    }
    daemon.resolve = resolve_new(daemon.loop);
    ev_prepare_init(&prepare, on_turn);
    prepare.data = &daemon;
    ev_prepare_start(daemon.loop, &prepare);
    if (begin(&daemon, argc, argv)) {
        (void)ev_run(daemon.loop, 0);
        rc = 0;
    }
    ev_prepare_stop(daemon.loop, &prepare);
    action_free(daemon.action);
    resolve_free(daemon.resolve);
    nodeset_free(&daemon.nodes);
    config_free(&daemon.config);
    ev_loop_destroy(daemon.loop);
    log_close();
    return rc;
}
