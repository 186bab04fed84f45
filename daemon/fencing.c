/* fencing.c - lib/fence.h, lib/guard.h and the sentry, driven from the loop.
 *
 * One action at a time, in small bounded steps from a timer: a freeze takes some
 * milliseconds, an end with proof some tens. */
#include "fencing.h"

#include <errno.h>
#include <stdlib.h>

#include "action.h"
#include "err.h"
#include "fence.h"
#include "guard.h"
#include "log.h"
#include "sentry.h"

/* Each step of an action holds the loop up for this long at most. */
#define STEP_MS 5
#define AGAIN_S 0.005

struct fencing {
    struct daemon *daemon;
    struct fence fence;
    bool possible;
    struct sentry *sentry;
    struct sentry_orders orders; /* as last given */
    bool sentry_warned;

    bool ours; /* if it is stopped, we or the sentry did it */
    bool told;
    enum core_local local; /* as last told to the core */
    ev_timer look;
    ev_io watch;

    uint32_t id; /* of the action under way; 0 = none */
    enum core_effect_kind kind;
    struct mono deadline;
    bool begun; /* the kill */
    ev_timer step;
};

bool fencing_is_possible(const struct daemon *daemon)
{
    return daemon->fencing != NULL && daemon->fencing->possible;
}

struct mono fencing_lease_until(const struct daemon *daemon)
{
    struct mono until = MONO_NEVER;

    if (fencing_is_possible(daemon) && daemon->fencing->sentry != NULL)
        until = sentry_freeze_at(daemon->fencing->sentry);
    return until.ms == MONO_NEVER.ms ? (struct mono){0} : until;
}

/* ---- looking ------------------------------------------------------------------------
 */

static void watch_postmaster(struct fencing *fencing)
{
    struct ev_loop *loop = fencing->daemon->loop;
    int fd = fence_watch_fd(&fencing->fence);

    if (ev_is_active(&fencing->watch) && fencing->watch.fd == fd)
        return;
    ev_io_stop(loop, &fencing->watch);
    if (fd < 0)
        return;
    ev_io_set(&fencing->watch, fd, EV_READ);
    ev_io_start(loop, &fencing->watch);
}

/* What the sentry did counts as ours, and a half-finished freeze as a freeze. */
static enum core_local translate(struct fencing *fencing, enum fence_state state)
{
    if (fencing->sentry != NULL && sentry_did(fencing->sentry).did == SENTRY_DID_FREEZE)
        fencing->ours = true;
    switch (state) {
    case FENCE_GONE:
        return CORE_LOCAL_GONE;
    case FENCE_RUNNING:
        fencing->ours = false;
        return CORE_LOCAL_RUNNING;
    case FENCE_FROZEN:
    case FENCE_HALF_FROZEN:
        return fencing->ours ? CORE_LOCAL_FROZEN : CORE_LOCAL_RUNNING;
    case FENCE_ORPHANS:
        return CORE_LOCAL_DEAD;
    }
    return CORE_LOCAL_UNKNOWN;
}

static void tell(struct fencing *fencing, enum core_local local)
{
    struct core_event event = {.kind = CORE_EV_LOCAL};
    struct err err = ERR_INIT;

    if (fencing->told && fencing->local == local)
        return;
    fencing->told = true;
    fencing->local = local;
    event.local.local = local;
    if ((local == CORE_LOCAL_DEAD || local == CORE_LOCAL_GONE) &&
        fence_was_clean(fencing->daemon->config.data_directory, &event.local.clean,
                        &err) < 0)
        event.local.clean = false;
    daemon_feed(fencing->daemon, &event);
}

static void look(struct fencing *fencing)
{
    enum fence_state state;
    struct err err = ERR_INIT;

    if (fence_learn(&fencing->fence, &err) < 0 ||
        fence_poll(&fencing->fence, &state, &err) < 0) {
        log_debug("own processes cannot be looked at: %s", err.text);
        return;
    }
    watch_postmaster(fencing);
    tell(fencing, translate(fencing, state));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct fencing *fencing = timer->data;
    struct err err = ERR_INIT;

    (void)loop;
    (void)revents;
    if (fencing->sentry != NULL &&
        sentry_check(fencing->sentry, &err) == SENTRY_E_LOST &&
        !fencing->sentry_warned) {
        fencing->sentry_warned = true;
        log_warning("the sentry is gone: %s", err.text);
        log_detail(LOG_LEVEL_WARNING,
                   "until pgrmond is restarted, nothing fences PostgreSQL when pgrmond "
                   "itself cannot");
    }
    look(fencing);
}

static void on_watch(struct ev_loop *loop, ev_io *watch, int revents)
{
    struct fencing *fencing = watch->data;

    (void)revents;
    ev_io_stop(loop, watch); /* it stays readable */
    look(fencing);
}

void fencing_look(struct daemon *daemon)
{
    if (fencing_is_possible(daemon))
        ev_feed_event(daemon->loop, &daemon->fencing->look, EV_TIMER);
}

/* ---- actions ------------------------------------------------------------------------
 */

static void step_again(struct fencing *fencing)
{
    ev_timer_set(&fencing->step, AGAIN_S, 0.);
    ev_timer_start(fencing->daemon->loop, &fencing->step);
}

/* The core is told what is so before it is told that the action is over. */
static void end(struct fencing *fencing, bool ok)
{
    uint32_t id = fencing->id;

    fencing->id = 0;
    look(fencing);
    daemon_done(fencing->daemon, id, ok, NULL);
}

static int freeze(struct fencing *fencing, struct err *err)
{
    int r = fence_freeze(&fencing->fence, STEP_MS, err);

    fencing->ours = fencing->ours || r == 0;
    return r == FENCE_E_GONE ? 0 : r;
}

/* L7: the sentry first, or its old deadline would freeze what we continue. */
static int thaw(struct fencing *fencing, struct err *err)
{
    int r =
        fencing->sentry == NULL ? 0 : sentry_order(fencing->sentry, &fencing->orders);

    if (r == SENTRY_E_BUSY)
        return FENCE_E_WORKING;
    if (r == SENTRY_E_KILLED)
        return err_set(err, -ESRCH, "the sentry has ended PostgreSQL");
    r = fence_thaw(&fencing->fence, STEP_MS, err);
    if (r == 0)
        fencing->ours = false;
    return r == FENCE_E_GONE ? -ESRCH : r;
}

/* L6: the guard is on disk before anything is killed. */
static int end_all(struct fencing *fencing, struct err *err)
{
    int r = 0;

    if (!fencing->begun) {
        if (fencing->daemon->config.start_guard != CONFIG_GUARD_OFF)
            r = guard_arm(fencing->daemon->config.data_directory, err);
        if (r == 0)
            r = fence_kill_begin(&fencing->fence, err);
        if (r < 0)
            return r;
        fencing->begun = true;
    }
    return fence_kill_poll(&fencing->fence, err);
}

static void on_step(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct fencing *fencing = timer->data;
    struct err err = ERR_INIT;
    int r;

    (void)loop;
    (void)revents;
    if (fencing->id == 0)
        return;
    r = fencing->kind == CORE_EFF_FREEZE ? freeze(fencing, &err)
        : fencing->kind == CORE_EFF_THAW ? thaw(fencing, &err)
                                         : end_all(fencing, &err);
    if (r > 0 && !mono_reached(fencing->deadline, mono_now())) {
        step_again(fencing);
        return;
    }
    if (r != 0) {
        err_prefix(&err, "own PostgreSQL could not be %s",
                   fencing->kind == CORE_EFF_FREEZE ? "frozen"
                   : fencing->kind == CORE_EFF_THAW ? "continued"
                                                    : "ended");
        log_err(LOG_LEVEL_ERROR, &err);
    }
    end(fencing, r == 0);
}

static void begin(struct daemon *daemon, const struct core_effect *effect)
{
    struct fencing *fencing = daemon->fencing;

    if (!fencing_is_possible(daemon)) {
        daemon_done(daemon, effect->id, false, NULL);
        return;
    }
    fencing->id = effect->id;
    fencing->kind = effect->kind;
    fencing->deadline = mono_add(mono_now(), effect->deadline_ms);
    fencing->begun = false;
    ev_timer_stop(daemon->loop, &fencing->step);
    ev_timer_set(&fencing->step, 0., 0.);
    ev_timer_start(daemon->loop, &fencing->step);
}

void fencing_freeze(struct daemon *daemon, const struct core_effect *effect)
{
    begin(daemon, effect);
}

void fencing_thaw(struct daemon *daemon, const struct core_effect *effect)
{
    begin(daemon, effect);
}

void fencing_kill(struct daemon *daemon, const struct core_effect *effect)
{
    /* A promotion under way has lost its lease: the core waits for its end no more. */
    action_free(daemon->action);
    daemon->action = NULL;
    begin(daemon, effect);
}

/* ---- the sentry and the guard -------------------------------------------------------
 */

static enum sentry_guard sentry_guard_of(const struct config *config)
{
    return config->start_guard == CONFIG_GUARD_OFF    ? SENTRY_GUARD_OFF
           : config->start_guard == CONFIG_GUARD_HOLD ? SENTRY_GUARD_HOLD
                                                      : SENTRY_GUARD_READ_ONLY;
}

void fencing_lease(struct daemon *daemon, const struct core_effect *effect)
{
    struct fencing *fencing = daemon->fencing;
    int r;

    if (!fencing_is_possible(daemon) || fencing->sentry == NULL)
        return;
    fencing->orders = SENTRY_STAND_DOWN;
    /* on_daemon_loss = keep: what this daemon cannot do nobody does. */
    if (daemon->config.on_daemon_loss == CONFIG_DAEMON_LOSS_FENCE)
        fencing->orders = (struct sentry_orders){
            .freeze_at = effect->freeze_at,
            .kill_at = effect->kill_at,
            .guard = sentry_guard_of(&daemon->config),
        };
    r = sentry_order(fencing->sentry, &fencing->orders);
    if (r != 0)
        fencing_look(daemon); /* it is acting, or has: the core learns what is so */
}

/* ---- life ---------------------------------------------------------------------------
 */

static void say_impossible(const struct err *err)
{
    log_warning("PostgreSQL cannot be fenced from here: %s", err->text);
    if (err->detail[0] != '\0')
        log_detail(LOG_LEVEL_WARNING, "%s", err->detail);
    log_hint(LOG_LEVEL_WARNING, "%s",
             err->hint[0] != '\0' ? err->hint
                                  : "run pgrmond on the same host, as the same user");
}

static void start_sentry(struct fencing *fencing)
{
    struct daemon *daemon = fencing->daemon;
    const struct sentry_settings settings = {
        .state_directory = daemon->config.state_directory,
        .data_directory = daemon->config.data_directory,
        .beat_ms = daemon_beat_ms(daemon),
    };
    struct sentry_report former = {0};
    struct err err = ERR_INIT;

    if (daemon->state.durable.incarnation == 0)
        return; /* it leads nothing */
    if (sentry_start(&fencing->sentry, &settings, &former, &err) < 0) {
        fencing->sentry = NULL;
        log_err(LOG_LEVEL_WARNING, &err);
        return;
    }
    if (former.did == SENTRY_DID_FREEZE || former.did == SENTRY_DID_KILL) {
        log_warning("while pgrmond did not run, the sentry %s PostgreSQL",
                    former.did == SENTRY_DID_KILL ? "ended" : "froze");
        fencing->ours = true;
    }
}

void fencing_open(struct daemon *daemon)
{
    struct fencing *fencing;
    struct err err = ERR_INIT;
    double beat_s = (double)daemon_beat_ms(daemon) / 1000.;

    if (daemon->config.fencing == CONFIG_FENCING_OFF ||
        daemon->config.type == CONFIG_NODE_WITNESS)
        return;
    fencing = xcalloc(1, sizeof *fencing);
    daemon->fencing = fencing;
    fencing->daemon = daemon;
    fencing->orders = SENTRY_STAND_DOWN;
    fencing->ours = true; /* if it is stopped, then by an earlier run */
    fence_init(&fencing->fence, daemon->config.data_directory);
    fencing->possible = fence_may_signal(&fencing->fence, &err) == 0;
    ev_init(&fencing->watch, on_watch);
    ev_timer_init(&fencing->step, on_step, 0., 0.);
    ev_timer_init(&fencing->look, on_look, 0., beat_s);
    fencing->watch.data = fencing->step.data = fencing->look.data = fencing;
    if (!fencing->possible) {
        say_impossible(&err);
        return;
    }
    start_sentry(fencing);
    ev_timer_start(daemon->loop, &fencing->look);
}

void fencing_close(struct daemon *daemon)
{
    struct fencing *fencing = daemon->fencing;

    if (fencing == NULL)
        return;
    ev_timer_stop(daemon->loop, &fencing->look);
    ev_timer_stop(daemon->loop, &fencing->step);
    ev_io_stop(daemon->loop, &fencing->watch);
    if (fencing->sentry != NULL && (daemon->core.state == CORE_PROMOTING ||
                                    daemon->core.state == CORE_RESIGNING)) {
        /* L7: a promotion ends without us, and nobody else would end it in time. */
        sentry_leave(fencing->sentry);
    } else if (fencing->sentry != NULL) {
        /* M4: stopped in good order, PostgreSQL goes on unfenced. */
        const struct sentry_orders rest = SENTRY_STAND_DOWN;

        (void)!sentry_order(fencing->sentry, &rest);
        sentry_stop(fencing->sentry);
    }
    fence_deinit(&fencing->fence);
    free(fencing);
    daemon->fencing = NULL;
}
