/* startpg.c - see startpg.h. */
#include "startpg.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "err.h"
#include "guard.h"
#include "lockfile.h"
#include "log.h"
#include "mono.h"
#include "ownpg.h"
#include "pgdata.h"
#include "pgstart.h"
#include "rejoin_mark.h"

#define ASK_MS 20

/* A postmaster writes its file within milliseconds. One that does not refused to. */
#define APPEAR_MS 2000

/* How long the former postmaster's parent has to take note of its end. */
#define REAP_MS 200

struct startpg {
    struct daemon *daemon;
    uint32_t id;
    struct mono began, deadline;
    bool begun;            /* the command was started */
    struct mono commanded; /* when the command had ended; ms 0 = not yet */
    startpg_cb *cb;
    void *arg;
    struct child *child;
    ev_timer timer;
    bool appeared; /* a postmaster was seen */
    bool ended, ok;
    char *log; /* of the server, for the HINT */
    char text[512], hint[512];
};

/* Of the running server's standard error; one per process, as own PostgreSQL is. */
static char remembered_log[PATH_MAX];

void startpg_remember_log(const struct config *config)
{
    (void)pgstart_log_of(ownpg_postmaster(config->data_directory), remembered_log,
                         sizeof remembered_log);
}

/* ---- the end
 * ------------------------------------------------------------------------- */

static void end(struct startpg *startpg, bool ok, const char *text)
{
    if (startpg->ended)
        return;
    startpg->ended = true;
    startpg->ok = ok;
    (void)snprintf(startpg->text, sizeof startpg->text, "%s", text);
    ev_timer_stop(startpg->daemon->loop, &startpg->timer);
    ev_timer_set(&startpg->timer, 0., 0.);
    ev_timer_start(startpg->daemon->loop, &startpg->timer);
}

static void report(struct startpg *startpg)
{
    startpg_cb *cb = startpg->cb;
    void *arg = startpg->arg;
    uint32_t id = startpg->id;
    char text[sizeof startpg->text];
    const struct startpg_end result = {startpg->ok, text};

    memcpy(text, startpg->text, sizeof text);
    if (!result.ok) {
        log_error("own PostgreSQL could not be started: %s", text);
        if (startpg->hint[0] != '\0')
            log_hint(LOG_LEVEL_ERROR, "%s", startpg->hint);
        else if (startpg->log != NULL)
            log_hint(LOG_LEVEL_ERROR, "see its log, \"%s\"", startpg->log);
    }
    startpg_cancel(startpg);
    cb(arg, id, &result);
}

/* ---- starting
 * ------------------------------------------------------------------------ */

static void on_command_end(void *arg, const struct child_end *child)
{
    struct startpg *startpg = arg;
    const char *last = child->tail;
    size_t n = strlen(last);
    char text[sizeof startpg->text];

    startpg->child = NULL;
    startpg->commanded = mono_now();
    if (child->started && child->exit_status == 0)
        return; /* the timer looks on */
    while (n > 0 && last[n - 1] == '\n')
        n--;
    (void)snprintf(text, sizeof text, "the command failed%s%.*s", n > 0 ? ": " : "",
                   (int)(n < 400 ? n : 400), last);
    end(startpg, false, text);
}

/* pg_ctl_options are words for a shell; all else goes through the environment. */
static void run_pg_ctl(struct startpg *startpg, struct child_spec *spec)
{
    const struct config *config = &startpg->daemon->config;
    char *config_file CLEANUP(cleanup_free) = pgstart_debian_config(config);
    char *pg_ctl CLEANUP(cleanup_free) = ownpg_program(config, "pg_ctl");
    char *options CLEANUP(cleanup_free) = pgstart_options(config, config_file);
    char *shell CLEANUP(cleanup_free) =
        xasprintf("exec \"$PGRMON_PG_CTL\" -D \"$PGRMON_PGDATA\" -s -W "
                  "-l \"$PGRMON_PG_LOG\" -o \"$PGRMON_PG_OPTIONS\" %s start",
                  config->pg_ctl_options);
    const char *env[5] = {NULL};
    char *variables[4];

    if (pg_ctl == NULL) {
        end(startpg, false, "pg_ctl is not there, set pg_bindir");
        return;
    }
    startpg->log = pgstart_log(config, config_file, remembered_log);
    variables[0] = xasprintf("PGRMON_PG_CTL=%s", pg_ctl);
    variables[1] = xasprintf("PGRMON_PGDATA=%s", config->data_directory);
    variables[2] = xasprintf("PGRMON_PG_LOG=%s", startpg->log);
    variables[3] = xasprintf("PGRMON_PG_OPTIONS=%s", options);
    for (int i = 0; i < 4; i++)
        env[i] = variables[i];
    spec->name = "pg_ctl start";
    spec->shell = shell;
    spec->env = env;
    startpg->child = child_run(startpg->daemon->loop, spec, on_command_end, startpg);
    for (int i = 0; i < 4; i++)
        free(variables[i]);
}

static void run(struct startpg *startpg)
{
    const struct config *config = &startpg->daemon->config;
    int64_t left_ms = mono_diff(startpg->deadline, mono_now());
    struct child_spec spec = {.name = "service_start_command",
                              .shell = config->service_start_command,
                              .deadline_ms = left_ms > 1 ? left_ms : 1,
                              .output_level = LOG_LEVEL_INFO};
    struct err err = ERR_INIT;

    if (ownpg_postmaster(config->data_directory) != 0)
        return; /* it runs: what becomes of it is looked at */
    if (rejoin_may_start(config->data_directory, config->state_directory, &err) != 0) {
        end(startpg, false, err.text);
        (void)snprintf(startpg->hint, sizeof startpg->hint, "%s", err.hint);
        return;
    }
    /* Read-only by the one before the other, which kept it down, goes. */
    if (guard_arm(config->data_directory, &err) != 0 ||
        (guard_is_held(config->data_directory) &&
         guard_unhold(config->data_directory, &err) != 0)) {
        end(startpg, false, err.text);
        return;
    }
    if (spec.shell[0] == '\0')
        run_pg_ctl(startpg, &spec);
    else
        startpg->child =
            child_run(startpg->daemon->loop, &spec, on_command_end, startpg);
}

/* ---- looking
 * ------------------------------------------------------------------------- */

static bool takes_connections(const char *data_directory)
{
    struct pgdata_postmaster pm;

    return pgdata_read_postmaster(data_directory, &pm, NULL) == 0 &&
           (strcmp(pm.status, "ready") == 0 || strcmp(pm.status, "standby") == 0);
}

static void again(struct startpg *startpg)
{
    ev_timer_stop(startpg->daemon->loop, &startpg->timer);
    ev_timer_set(&startpg->timer, ASK_MS / 1000., 0.);
    ev_timer_start(startpg->daemon->loop, &startpg->timer);
}

/* Until the former postmaster is gone from the process table PostgreSQL would refuse.
 */
static bool is_in_the_way(const struct startpg *startpg)
{
    const char *directory = startpg->daemon->config.data_directory;
    struct err err = ERR_INIT;
    pid_t pid;
    int rc;

    if (lockfile_look(directory, &pid) != LOCKFILE_ZOMBIE)
        return false;
    if (mono_diff(mono_now(), startpg->began) < REAP_MS)
        return true;
    rc = lockfile_remove(directory, &err);
    if (rc == 0)
        log_info("removed postmaster.pid of a zombie (process %d)", (int)pid);
    else if (rc != -EAGAIN)
        log_warning("%s", err.text);
    return false;
}

static void look(struct startpg *startpg)
{
    const char *directory = startpg->daemon->config.data_directory;
    bool there = ownpg_postmaster(directory) != 0;

    if (!startpg->begun && !is_in_the_way(startpg)) {
        startpg->begun = true;
        run(startpg);
        if (startpg->ended)
            return;
    }
    /* A command may have more to do than to start it. */
    if (there && startpg->child == NULL && takes_connections(directory))
        end(startpg, true, "");
    else if (mono_reached(startpg->deadline, mono_now()))
        end(startpg, false,
            there ? "it is still starting up" : "it did not start in time");
    else if (!there && startpg->appeared)
        end(startpg, false, "it ended while starting up");
    else if (!there && startpg->commanded.ms != 0 &&
             mono_diff(mono_now(), startpg->commanded) >= APPEAR_MS)
        end(startpg, false, "no server appeared");
    else
        again(startpg);
    startpg->appeared |= there;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct startpg *startpg = timer->data;

    (void)loop;
    (void)revents;
    if (startpg->ended)
        report(startpg);
    else
        look(startpg);
}

struct startpg *startpg_start(
    struct daemon *daemon, uint32_t id, int64_t deadline_ms, startpg_cb *cb, void *arg)
{
    struct startpg *startpg = xcalloc(1, sizeof *startpg);

    startpg->daemon = daemon;
    startpg->id = id;
    startpg->began = mono_now();
    startpg->deadline = mono_add(startpg->began, deadline_ms);
    startpg->cb = cb;
    startpg->arg = arg;
    ev_timer_init(&startpg->timer, on_timer, ASK_MS / 1000., 0.);
    startpg->timer.data = startpg;
    ev_timer_start(daemon->loop, &startpg->timer);
    look(startpg);
    return startpg;
}

void startpg_cancel(struct startpg *startpg)
{
    if (startpg == NULL)
        return;
    ev_timer_stop(startpg->daemon->loop, &startpg->timer);
    child_cancel(startpg->child);
    free(startpg->log);
    free(startpg);
}
