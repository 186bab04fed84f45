/* leave.c - what a leader owes the others before its daemon ends. */
#include "leave.h"

#include <stdlib.h>

#include "child.h"
#include "cleanup.h"
#include "core/pause.h"
#include "err.h"
#include "fencing.h"
#include "log.h"
#include "ownpg.h"

/* What waits for the primary, and the notification commands, get this long. */
#define SHUTDOWN_MS 1000

/* A fast shutdown, and then the election of another. */
#define STOP_MS     60000
#define HANDOVER_MS 5000

static bool leads(const struct daemon *daemon)
{
    return daemon->core.durable.duty == CORE_DUTY_LEADING &&
           daemon->core.state == CORE_PRIMARY;
}

static void on_stopped(void *arg, const struct child_end *end)
{
    struct daemon *daemon = arg;

    daemon->leaving = NULL;
    if (!end->started || end->exit_status != 0) {
        log_error("own PostgreSQL could not be stopped");
        log_hint(LOG_LEVEL_ERROR, "see its log; it goes on without a lease");
        daemon->stop_deadline = mono_now();
        return;
    }
    log_notice("own PostgreSQL was stopped");
    daemon->stop_deadline = mono_add(mono_now(), HANDOVER_MS);
    fencing_look(daemon);
}

static void stop_own(struct daemon *daemon)
{
    char *pg_ctl CLEANUP(cleanup_free) = ownpg_program(&daemon->config, "pg_ctl");
    const char *argv[] = {
        pg_ctl, "-D", daemon->config.data_directory, "-m", "fast", "-w", "stop", NULL};
    const struct child_spec spec = {.name = "pg_ctl stop",
                                    .argv = argv,
                                    .deadline_ms = STOP_MS,
                                    .output_level = LOG_LEVEL_DEBUG};

    if (pg_ctl == NULL) {
        log_error("pg_ctl is nowhere to be found, PostgreSQL goes on without a lease");
        log_hint(LOG_LEVEL_ERROR, "set \"pg_bindir\"");
        return;
    }
    daemon->stop_deadline = mono_add(mono_now(), STOP_MS + HANDOVER_MS);
    daemon->leaving = child_run(daemon->loop, &spec, on_stopped, daemon);
}

/* M3: while the service is paused nobody could take over. */
static enum config_on_stop how_to_stop(const struct daemon *daemon)
{
    enum config_on_stop how = daemon->config.on_stop;

    if (how != CONFIG_ON_STOP_HANDOVER || !leads(daemon) ||
        !pause_relies(&daemon->core))
        return how;
    log_notice("the service is paused: PostgreSQL goes on, there is no handover");
    return CONFIG_ON_STOP_PAUSE;
}

void leave_begin(struct daemon *daemon)
{
    struct core_event event = {.kind = CORE_EV_STOP};
    enum config_on_stop how = how_to_stop(daemon);

    daemon->stop_deadline = mono_add(mono_now(), SHUTDOWN_MS);
    daemon->handover = leads(daemon) && how == CONFIG_ON_STOP_HANDOVER;
    if (leads(daemon) && how == CONFIG_ON_STOP_PAUSE) {
        log_warning(
            "this node leads: until pgrmond is started again, nothing fences it");
        log_hint(LOG_LEVEL_WARNING,
                 "\"on_stop = handover\" makes another node the primary instead");
    }
    event.stop.handover = daemon->handover;
    daemon_feed(daemon, &event);
    if (leads(daemon) && how != CONFIG_ON_STOP_PAUSE)
        stop_own(daemon);
}

bool leave_is_done(const struct daemon *daemon)
{
    if (mono_reached(daemon->stop_deadline, mono_now()))
        return true;
    if (daemon->leaving != NULL)
        return false;
    /* Until somebody else has our support, or leads. */
    if (daemon->handover && daemon->core.durable.leader_id == daemon->config.node_id)
        return false;
    return link_kept(daemon->primary) == 0 && !record_busy(daemon);
}
