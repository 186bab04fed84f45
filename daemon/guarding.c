/* guarding.c - see guarding.h. */
#include "guarding.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "err.h"
#include "fencing.h"
#include "guard.h"
#include "link.h"
#include "log.h"
#include "queries.h"

#define INTERVAL_S   60.
#define MAX_SETTINGS 32

struct guarding {
    struct daemon *daemon;
    ev_timer timer;
    bool asked;      /* an answer is awaited */
    bool restricted; /* the role may not read pg_file_settings */
    char said[sizeof((struct err *)0)->text]; /* the newest warning */
};

static void warn_once(struct guarding *guarding, const struct err *err, bool armed)
{
    if (strcmp(guarding->said, err->text) == 0)
        return;
    (void)snprintf(guarding->said, sizeof guarding->said, "%s", err->text);
    log_err(LOG_LEVEL_WARNING, err);
    if (armed)
        log_detail(LOG_LEVEL_WARNING, "it is armed already, and stays so: mend this "
                                      "before PostgreSQL is restarted");
}

static void judge(struct guarding *guarding, const PGresult *res)
{
    const struct config *config = &guarding->daemon->config;
    bool armed = guard_is_armed(config->data_directory);
    struct guard_setting settings[MAX_SETTINGS];
    struct err err = ERR_INIT;
    size_t n = 0;
    int r;

    for (int row = 0; row < PQntuples(res) && n < MAX_SETTINGS; row++)
        settings[n++] = (struct guard_setting){
            .name = PQgetvalue(res, row, 0),
            .value = PQgetisnull(res, row, 1) ? NULL : PQgetvalue(res, row, 1),
            .next = PQgetisnull(res, row, 2) ? NULL : PQgetvalue(res, row, 2),
        };
    r = guard_check(settings, n, config->conninfo, &err);
    if (r == 0)
        guarding->said[0] = '\0';
    else
        warn_once(guarding, &err, r == GUARD_E_REFUSED && armed);
    err = (struct err)ERR_INIT;
    if (r != GUARD_E_REFUSED && guard_arm(config->data_directory, &err) != 0)
        log_err(LOG_LEVEL_ERROR, &err);
}

static bool is_ours_to_guard(const struct guarding *guarding)
{
    const struct daemon *daemon = guarding->daemon;

    return fencing_is_possible(daemon) &&
           daemon->config.start_guard != CONFIG_GUARD_OFF &&
           daemon->core.state == CORE_PRIMARY;
}

static void on_settings(void *arg, const struct pgconn_answer *answer)
{
    struct guarding *guarding = arg;

    guarding->asked = false;
    if (answer->reach == REACH_OK) {
        if (is_ours_to_guard(guarding))
            judge(guarding, answer->result);
        return;
    }
    log_debug("cannot read the settings that concern the start guard: %s",
              answer->message);
    if (strcmp(answer->sqlstate, "42501") == 0 && !guarding->restricted) {
        guarding->restricted = true;
        guarding_check(guarding);
    }
}

/* "{a,b}", an array as PostgreSQL reads it. The caller frees. */
static char *names(void)
{
    char *text = xasprintf("{%s", guard_setting_names[0]);

    for (size_t i = 1; guard_setting_names[i] != NULL; i++) {
        char *longer = xasprintf("%s,%s", text, guard_setting_names[i]);

        free(text);
        text = longer;
    }
    return text;
}

void guarding_check(struct guarding *guarding)
{
    char *list CLEANUP(cleanup_free) = names();
    char *array CLEANUP(cleanup_free) = xasprintf("%s}", list);
    const char *params[] = {array};
    const struct link_job job = {
        .query = guarding->restricted ? &query_guard_settings_restricted
                                      : &query_guard_settings,
        .params = params,
        .cb = on_settings,
        .arg = guarding,
    };

    if (guarding->asked || !is_ours_to_guard(guarding))
        return;
    guarding->asked = true;
    link_submit(guarding->daemon->local, &job);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    guarding_check(timer->data);
}

struct guarding *guarding_new(struct daemon *daemon)
{
    struct guarding *guarding = xcalloc(1, sizeof *guarding);

    guarding->daemon = daemon;
    ev_timer_init(&guarding->timer, on_timer, INTERVAL_S, INTERVAL_S);
    guarding->timer.data = guarding;
    ev_timer_start(daemon->loop, &guarding->timer);
    return guarding;
}

void guarding_free(struct guarding *guarding)
{
    if (guarding == NULL)
        return;
    ev_timer_stop(guarding->daemon->loop, &guarding->timer);
    free(guarding);
}
