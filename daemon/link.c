/* link.c - a queue of statements in front of one session. */
#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "log.h"

#define LINK_MAX_PARAMS 16

struct job {
    struct job *next;
    const struct query *query;
    char *params[LINK_MAX_PARAMS];
    bool keep;
    link_cb *cb;
    void *arg;
};

struct link {
    struct ev_loop *loop;
    struct pgconn *conn;
    ev_timer retry;
    char *label;
    char *conninfo; /* NULL = nowhere */
    int64_t deadline_ms;
    struct job *head; /* oldest first; the head is the one under way */
    int n_jobs;
    bool running; /* the head was sent */
};

static void pump(struct link *link);

static void job_free(struct job *job)
{
    for (int i = 0; i < LINK_MAX_PARAMS; i++)
        free(job->params[i]);
    free(job);
}

/* Take the head off and tell its owner. */
static void finish_head(struct link *link, const struct pgconn_answer *answer)
{
    struct job *job = link->head;

    link->head = job->next;
    link->n_jobs--;
    link->running = false;
    if (job->cb != NULL)
        job->cb(job->arg, answer);
    job_free(job);
}

/* The connection failed: statements that need not be kept fail with it. */
static void fail_unkept(struct link *link, const struct pgconn_answer *answer)
{
    struct job **at = &link->head;

    link->running = false;
    while (*at != NULL) {
        struct job *job = *at;

        if (job->keep) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        link->n_jobs--;
        if (job->cb != NULL)
            job->cb(job->arg, answer);
        job_free(job);
    }
}

static void retry_later(struct link *link)
{
    if (link->head == NULL || ev_is_active(&link->retry))
        return;
    ev_timer_set(&link->retry, (double)link->deadline_ms / 1000.0, 0.);
    ev_timer_start(link->loop, &link->retry);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    pump(timer->data);
}

/* A standby answers writes with class 25 (read_only_sql_transaction): the promotion or
 * the change of primary is not complete yet. */
static bool is_read_only(const struct pgconn_answer *answer)
{
    return strncmp(answer->sqlstate, "25", 2) == 0;
}

static void
on_answer(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct link *link = arg;
    struct job *job = link->head;

    (void)conn;
    if (answer->reach == REACH_OK) {
        finish_head(link, answer);
        pump(link);
        return;
    }
    if (answer->reach != REACH_FAILED || (job->keep && is_read_only(answer))) {
        log_debug("%s: %s: %s", link->label, job->query->name, answer->message);
        pgconn_close(link->conn);
        fail_unkept(link, answer);
        retry_later(link);
        return;
    }
    if (job->cb == NULL) {
        log_warning("%s: statement \"%s\" failed", link->label, job->query->name);
        log_detail(LOG_LEVEL_WARNING, "%s %s", answer->sqlstate, answer->message);
    }
    finish_head(link, answer);
    pump(link);
}

static void
on_connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct link *link = arg;

    (void)conn;
    if (answer->reach == REACH_OK) {
        pump(link);
        return;
    }
    log_debug("%s: %s: %s", link->label, reach_name(answer->reach), answer->message);
    fail_unkept(link, answer);
    retry_later(link);
}

/* Move on: connect, or send the head. */
static void pump(struct link *link)
{
    const struct pgconn_options options = {.application_name = "pgrmond",
                                           .statement_timeout_ms = link->deadline_ms,
                                           .verbose_errors = true};
    struct job *job = link->head;

    if (job == NULL || link->running || link->conninfo == NULL)
        return;
    if (pgconn_is_closed(link->conn)) {
        ev_timer_stop(link->loop, &link->retry);
        pgconn_connect(link->conn, link->conninfo, &options, link->deadline_ms,
                       on_connected, link);
        return;
    }
    if (!pgconn_is_idle(link->conn))
        return;
    link->running = true;
    pgconn_query(link->conn, job->query->text, job->query->n_params,
                 (const char *const *)job->params, link->deadline_ms, on_answer, link);
}

struct link *link_new(struct ev_loop *loop, struct resolve *resolve, const char *label)
{
    struct link *link = xcalloc(1, sizeof *link);

    link->loop = loop;
    link->conn = pgconn_new(loop, resolve);
    link->label = xstrdup(label);
    link->deadline_ms = 5000;
    ev_timer_init(&link->retry, on_retry, 0., 0.);
    link->retry.data = link;
    return link;
}

void link_free(struct link *link)
{
    if (link == NULL)
        return;
    ev_timer_stop(link->loop, &link->retry);
    pgconn_free(link->conn);
    while (link->head != NULL) {
        struct job *job = link->head;

        link->head = job->next;
        job_free(job);
    }
    free(link->label);
    free(link->conninfo);
    free(link);
}

void link_target(struct link *link, const char *conninfo)
{
    if (conninfo != NULL && link->conninfo != NULL &&
        strcmp(conninfo, link->conninfo) == 0)
        return;
    pgconn_close(link->conn);
    link->running = false;
    free(link->conninfo);
    link->conninfo = conninfo == NULL ? NULL : xstrdup(conninfo);
    pump(link);
}

void link_set_deadline(struct link *link, int64_t deadline_ms)
{
    link->deadline_ms = deadline_ms;
}

/* The oldest waiting job that is not under way, unkept ones first. */
static struct job **victim(struct link *link)
{
    struct job **first = link->running ? &link->head->next : &link->head;

    for (struct job **at = first; *at != NULL; at = &(*at)->next)
        if (!(*at)->keep)
            return at;
    return first;
}

static void make_room(struct link *link)
{
    const struct pgconn_answer lost = {REACH_SILENT, NULL, "",
                                       "too many statements wait"};
    struct job **at = victim(link);
    struct job *job = *at;

    if (job->keep)
        log_warning("%s: a record was lost, too many wait for a primary", link->label);
    *at = job->next;
    link->n_jobs--;
    if (job->cb != NULL)
        job->cb(job->arg, &lost);
    job_free(job);
}

void link_submit(struct link *link, const struct link_job *job)
{
    struct job *copy = xcalloc(1, sizeof *copy);
    struct job **at = &link->head;

    copy->query = job->query;
    copy->keep = job->keep;
    copy->cb = job->cb;
    copy->arg = job->arg;
    for (int i = 0; i < job->query->n_params && i < LINK_MAX_PARAMS; i++)
        if (job->params != NULL && job->params[i] != NULL)
            copy->params[i] = xstrdup(job->params[i]);
    while (*at != NULL)
        at = &(*at)->next;
    *at = copy;
    if (++link->n_jobs > LINK_MAX_JOBS)
        make_room(link);
    pump(link);
}

int link_kept(const struct link *link)
{
    int n = 0;

    for (const struct job *job = link->head; job != NULL; job = job->next)
        n += job->keep ? 1 : 0;
    return n;
}
