/* daemon.c - feed(event) -> core_step -> perform(effects), and the timers around it. */
#include "daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "action.h"
#include "child.h"
#include "core/reason.h"
#include "durable.h"
#include "err.h"
#include "fencing.h"
#include "guarding.h"
#include "leave.h"
#include "log.h"
#include "notify.h"
#include "pgconn.h"
#include "probe.h"
#include "reload.h"
#include "resolve.h"
#include "revoke.h"
#include "startpg.h"

/* The live state is written on each change, and this often besides. */
#define STATE_INTERVAL_S   30.
#define CLEANUP_INTERVAL_S 3600.

int64_t daemon_beat_ms(const struct daemon *daemon)
{
    return daemon->core.settings.beat_ms;
}

/* ---- the core -----------------------------------------------------------------------
 */

/* READY once the first probe of own PostgreSQL has ended, however it ended; on a
 * witness once it knows the nodes, and with them whom to ask. */
static void say_ready(struct daemon *daemon, const struct core_event *event)
{
    bool known = daemon->core.settings.witness
                     ? event->kind == CORE_EV_MEMBERS
                     : event->kind == CORE_EV_OBSERVED &&
                           event->observed.node_id == daemon->config.node_id;

    if (daemon->ready_said || !known)
        return;
    daemon->ready_said = true;
    notify_ready();
    if (daemon->on_ready != NULL)
        daemon->on_ready(daemon->on_ready_arg);
}

void daemon_feed(struct daemon *daemon, struct core_event *event)
{
    struct core_effects effects;
    double wait_s;

    if (daemon->stepping)
        abort(); /* a bug of ours: see the header */
    daemon->stepping = true;
    event->now = mono_now();
    core_step(&daemon->core, event, &effects);
    for (int i = 0; i < effects.n; i++)
        perform(daemon, &effects.v[i]);
    daemon->stepping = false;
    say_ready(daemon, event);

    wait_s = (double)mono_diff(core_deadline(&daemon->core), mono_now()) / 1000.0;
    ev_timer_stop(daemon->loop, &daemon->core_timer);
    ev_timer_set(&daemon->core_timer, wait_s > 0. ? wait_s : 0.001, 0.);
    if (core_deadline(&daemon->core).ms != MONO_NEVER.ms)
        ev_timer_start(daemon->loop, &daemon->core_timer);
}

/* ---- ends of effects ----------------------------------------------------------------
 */

static void on_done_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct daemon *daemon = timer->data;
    struct daemon_done done[DAEMON_MAX_DONE];
    int n = daemon->n_done;

    (void)loop;
    (void)revents;
    memcpy(done, daemon->done, sizeof done);
    daemon->n_done = 0;
    for (int i = 0; i < n; i++) {
        struct core_event event = {
            .kind = CORE_EV_DONE, .done = {done[i].id, done[i].ok, done[i].report}
        };

        daemon_feed(daemon, &event);
    }
}

void daemon_done(struct daemon *daemon,
                 uint32_t id,
                 bool ok,
                 const struct core_report *report)
{
    if (daemon->n_done == DAEMON_MAX_DONE)
        abort(); /* a bug of ours: the core has fewer effects under way */
    daemon->done[daemon->n_done++] = (struct daemon_done){
        id, ok, report == NULL ? (struct core_report){0} : *report};
    ev_timer_stop(daemon->loop, &daemon->done_timer);
    ev_timer_set(&daemon->done_timer, 0., 0.);
    ev_timer_start(daemon->loop, &daemon->done_timer);
}

const char *daemon_note(struct daemon *daemon, char buf[static NOTE_TEXT_SIZE])
{
    const struct core_note note = core_post(&daemon->core, mono_now());

    return note_format(&note, buf);
}

static void on_core_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct core_event event = {.kind = CORE_EV_TICK};

    (void)loop;
    (void)revents;
    daemon_feed(timer->data, &event);
}

/* ---- what happens now and then
 * -------------------------------------------------------- */

static void on_members_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct daemon *daemon = timer->data;

    (void)loop;
    (void)revents;
    members_read(daemon);
    record_history(daemon);
    startpg_remember_log(&daemon->config);
}

static void on_state_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    record_state(timer->data);
}

static void on_cleanup_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    record_cleanup(timer->data);
}

/* Fed from the loop: a stuck loop is what systemd is to notice. */
static void on_watchdog_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)timer;
    (void)revents;
    notify_watchdog();
}

static void start_timer(struct daemon *daemon,
                        ev_timer *timer,
                        void (*cb)(struct ev_loop *, ev_timer *, int),
                        double after_s,
                        double every_s)
{
    ev_timer_init(timer, cb, after_s, every_s);
    timer->data = daemon;
    ev_timer_start(daemon->loop, timer);
}

/* ---- stopping
 * -------------------------------------------------------------------------- */

static void on_shutdown_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    if (leave_is_done(timer->data))
        ev_break(loop, EVBREAK_ALL);
}

/* In good order: the event goes out first, if the primary takes it in time. */
static void on_stop_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    struct daemon *daemon = signal->data;

    (void)revents;
    if (daemon->stopping) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    daemon->stopping = true;
    log_notice("%s received, stopping",
               signal->signum == SIGINT ? "SIGINT" : "SIGTERM");
    notify_stopping();
    record_event(daemon, "pgrmond_shutdown", true, 0, "stopped by a signal");
    leave_begin(daemon);
    start_timer(daemon, &daemon->shutdown_timer, on_shutdown_timer, 0.01, 0.02);
}

static void on_sighup(struct ev_loop *loop, ev_signal *signal, int revents)
{
    (void)loop;
    (void)revents;
    reload_config(signal->data);
}

static void watch_signal(struct daemon *daemon,
                         ev_signal *watcher,
                         int signum,
                         void (*cb)(struct ev_loop *, ev_signal *, int))
{
    ev_signal_init(watcher, cb, signum);
    watcher->data = daemon;
    ev_signal_start(daemon->loop, watcher);
}

/* ---- life
 * ------------------------------------------------------------------------------ */

static void start_timers(struct daemon *daemon)
{
    double monitor_s = (double)daemon->config.monitor_interval_ms / 1000.0;
    int64_t watchdog_ms = notify_watchdog_interval_ms();

    ev_timer_init(&daemon->core_timer, on_core_timer, 0., 0.);
    daemon->core_timer.data = daemon;
    ev_timer_init(&daemon->shutdown_timer, on_shutdown_timer, 0., 0.);
    start_timer(daemon, &daemon->members_timer, on_members_timer, monitor_s, monitor_s);
    start_timer(daemon, &daemon->state_timer, on_state_timer, STATE_INTERVAL_S,
                STATE_INTERVAL_S);
    start_timer(daemon, &daemon->cleanup_timer, on_cleanup_timer, CLEANUP_INTERVAL_S,
                CLEANUP_INTERVAL_S);
    ev_timer_init(&daemon->watchdog_timer, on_watchdog_timer, 0., 0.);
    if (watchdog_ms > 0)
        start_timer(daemon, &daemon->watchdog_timer, on_watchdog_timer,
                    (double)watchdog_ms / 1000.0, (double)watchdog_ms / 1000.0);
}

struct daemon *
daemon_new(struct ev_loop *loop, struct config *config, const char *log_level)
{
    struct daemon *daemon = xcalloc(1, sizeof *daemon);
    struct core_settings settings;

    daemon->loop = loop;
    daemon->config = *config;
    memset(config, 0, sizeof *config);
    daemon->log_level = log_level;
    daemon->lock_fd = -1;
    daemon->resolve = resolve_new(loop);
    daemon->local = link_new(loop, daemon->resolve, "own PostgreSQL");
    daemon->primary = link_new(loop, daemon->resolve, "primary");
    link_target(daemon->local, daemon->config.conninfo);
    ev_timer_init(&daemon->done_timer, on_done_timer, 0., 0.);
    daemon->done_timer.data = daemon;
    settings = daemon_core_settings(daemon);
    core_init(&daemon->core, &settings);
    start_timers(daemon);
    watch_signal(daemon, &daemon->sigterm, SIGTERM, on_stop_signal);
    watch_signal(daemon, &daemon->sigint, SIGINT, on_stop_signal);
    watch_signal(daemon, &daemon->sighup, SIGHUP, on_sighup);
    return daemon;
}

/* What the state file holds, its nodes included: own PostgreSQL may be down. */
static void feed_start(struct daemon *daemon)
{
    struct core_event event = {.kind = CORE_EV_START};
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    event.start.durable = daemon->state.durable;
    event.start.random = (uint64_t)now.tv_nsec * 2654435761U + (uint64_t)getpid();
    event.start.system_identifier = daemon->state.system_identifier;
    event.start.lease_until = fencing_lease_until(daemon);
    daemon_feed(daemon, &event);
    if (daemon->state.nodes.n == 0)
        return;
    nodeset_copy(&daemon->nodes, &daemon->state.nodes);
    daemon->nodes.version = daemon->state.durable.members_version;
    members_feed(daemon);
}

int daemon_open(struct daemon *daemon, struct err *err)
{
    struct core_event event = {.kind = CORE_EV_SETTINGS};
    int r = durable_open(daemon, err);

    if (r != 0)
        return r;
    fencing_open(daemon);
    durable_begin(daemon);
    daemon->guarding = guarding_new(daemon);
    event.settings = daemon_core_settings(daemon);
    daemon_feed(daemon, &event);
    return 0;
}

void daemon_start(struct daemon *daemon)
{
    log_info("connecting to database \"%s\"", daemon->config.conninfo);
    log_notice("starting monitoring of node \"%s\" (ID: %d)", daemon->config.node_name,
               daemon->config.node_id);
    record_event(daemon, "pgrmond_start", true, 0,
                 "pgrmond " PGRMON_VERSION " started");
    feed_start(daemon);
    members_read(daemon);
}

void daemon_free(struct daemon *daemon)
{
    if (daemon == NULL)
        return;
    record_stop(daemon);
    action_free(daemon->action);
    child_cancel(daemon->leaving);
    revoke_cancel(daemon->revoke);
    startpg_cancel(daemon->startpg);
    guarding_free(daemon->guarding);
    fencing_close(daemon);
    durable_close(daemon);
    for (int i = 0; i < daemon->n_probes; i++)
        probe_free(daemon->probes[i]);
    link_free(daemon->local);
    link_free(daemon->primary);
    resolve_free(daemon->resolve);
    ev_timer_stop(daemon->loop, &daemon->core_timer);
    ev_timer_stop(daemon->loop, &daemon->done_timer);
    ev_timer_stop(daemon->loop, &daemon->members_timer);
    ev_timer_stop(daemon->loop, &daemon->state_timer);
    ev_timer_stop(daemon->loop, &daemon->cleanup_timer);
    ev_timer_stop(daemon->loop, &daemon->watchdog_timer);
    ev_timer_stop(daemon->loop, &daemon->shutdown_timer);
    ev_signal_stop(daemon->loop, &daemon->sigterm);
    ev_signal_stop(daemon->loop, &daemon->sigint);
    ev_signal_stop(daemon->loop, &daemon->sighup);
    nodeset_free(&daemon->nodes);
    config_free(&daemon->config);
    free(daemon);
}
