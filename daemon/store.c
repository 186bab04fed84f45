/* store.c - one thread that writes, and a list of those who wait for it.
 *
 * Saves are numbered. The loop leaves the newest text with its number under the lock;
 * the thread takes it, writes, and leaves an outcome that covers every number up to it.
 * Numbers and the waiting list are the loop's alone. */
#include "store.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"

/* Who waits: of the loop alone. */
struct request {
    struct request *next;
    uint64_t number;
    uint32_t id;
    store_cb *cb;
    void *arg;
};

/* How a write ended: made by the thread, handed over to the loop. */
struct outcome {
    struct outcome *next;
    uint64_t number; /* the newest save that is in it */
    int code;
    struct err err;
};

struct store {
    struct ev_loop *loop;
    ev_async wake; /* outcomes are there */
    char *directory;

    /* The loop's. */
    struct request *first, **last;
    int n_pending;
    uint64_t number; /* of the newest save */
    bool failing;    /* said, and not yet over */
    char said[sizeof((struct err *)0)->text];

    /* Shared, under the lock. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    char *text; /* waits to be written, NULL = nothing */
    uint64_t text_number;
    struct outcome *outcomes, **last_outcome;
    bool stop;
};

/* ---- the thread ------------------------------------------------------------------ */

/* Wait for a text and take it. NULL: there is none and there will be none. */
static char *take(struct store *store, uint64_t *ret_number)
{
    char *text;

    (void)pthread_mutex_lock(&store->lock);
    while (store->text == NULL && !store->stop)
        (void)pthread_cond_wait(&store->work, &store->lock);
    text = store->text;
    *ret_number = store->text_number;
    store->text = NULL;
    (void)pthread_mutex_unlock(&store->lock);
    return text;
}

static void *write_states(void *arg)
{
    struct store *store = arg;
    uint64_t number;
    char *text;

    while ((text = take(store, &number)) != NULL) {
        struct outcome *outcome = xcalloc(1, sizeof *outcome);

        outcome->number = number;
        outcome->code = state_save_text(store->directory, text, &outcome->err);
        free(text);
        (void)pthread_mutex_lock(&store->lock);
        *store->last_outcome = outcome;
        store->last_outcome = &outcome->next;
        (void)pthread_mutex_unlock(&store->lock);
        ev_async_send(store->loop, &store->wake);
    }
    return NULL;
}

/* ---- the loop -------------------------------------------------------------------- */

/* A full disk fails each write for hours: say it once, and when it is over. */
static void say(struct store *store, const struct outcome *outcome)
{
    if (outcome->code == 0) {
        if (store->failing)
            log_notice("the state file can be written again");
        store->failing = false;
        return;
    }
    if (store->failing && strcmp(store->said, outcome->err.text) == 0)
        return;
    log_err(LOG_LEVEL_ERROR, &outcome->err);
    log_detail(LOG_LEVEL_ERROR,
               "without its state file in \"%s\" this node can neither vote nor lead",
               store->directory);
    store->failing = true;
    (void)strcpy(store->said, outcome->err.text);
}

/* Tell everybody whose state is in it. They may save again meanwhile. */
static void deliver(struct store *store, const struct outcome *outcome)
{
    while (store->first != NULL && store->first->number <= outcome->number) {
        struct request *request CLEANUP(cleanup_free) = store->first;

        store->first = request->next;
        if (store->first == NULL)
            store->last = &store->first;
        store->n_pending--;
        request->cb(request->arg, request->id, outcome->code == 0);
    }
}

static struct outcome *take_outcomes(struct store *store)
{
    struct outcome *outcomes;

    (void)pthread_mutex_lock(&store->lock);
    outcomes = store->outcomes;
    store->outcomes = NULL;
    store->last_outcome = &store->outcomes;
    (void)pthread_mutex_unlock(&store->lock);
    return outcomes;
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    struct store *store = wake->data;
    struct outcome *outcome = take_outcomes(store);

    (void)loop;
    (void)revents;
    while (outcome != NULL) {
        struct outcome *done CLEANUP(cleanup_free) = outcome;

        outcome = done->next;
        say(store, done);
        deliver(store, done);
    }
}

void store_save(struct store *store,
                const struct state *state,
                uint32_t id,
                store_cb *cb,
                void *arg)
{
    struct request *request = xcalloc(1, sizeof *request);
    char *text = state_format(state);

    *request = (struct request){
        .number = ++store->number,
        .id = id,
        .cb = cb,
        .arg = arg,
    };
    *store->last = request;
    store->last = &request->next;
    store->n_pending++;
    (void)pthread_mutex_lock(&store->lock);
    free(store->text); /* never begun: the new one is later */
    store->text = text;
    store->text_number = request->number;
    (void)pthread_cond_signal(&store->work);
    (void)pthread_mutex_unlock(&store->lock);
}

int store_n_pending(const struct store *store)
{
    return store->n_pending;
}

/* ---- life ------------------------------------------------------------------------ */

/* Signals are the loop's business. */
static int start_thread(struct store *store)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&store->thread, NULL, write_states, store);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void release(struct store *store)
{
    struct outcome *outcome = take_outcomes(store);

    while (outcome != NULL) {
        struct outcome *done CLEANUP(cleanup_free) = outcome;

        outcome = done->next;
        say(store, done);
    }
    while (store->first != NULL) {
        struct request *request CLEANUP(cleanup_free) = store->first;

        store->first = request->next;
    }
    ev_async_stop(store->loop, &store->wake);
    (void)pthread_cond_destroy(&store->work);
    (void)pthread_mutex_destroy(&store->lock);
    free(store->directory);
    free(store);
}

struct store *store_new(struct ev_loop *loop, const char *directory, struct err *err)
{
    struct store *store = xcalloc(1, sizeof *store);
    int rc;

    store->loop = loop;
    store->directory = xstrdup(directory);
    store->last = &store->first;
    store->last_outcome = &store->outcomes;
    (void)pthread_mutex_init(&store->lock, NULL);
    (void)pthread_cond_init(&store->work, NULL);
    ev_async_init(&store->wake, on_wake);
    store->wake.data = store;
    ev_async_start(loop, &store->wake);
    rc = start_thread(store);
    if (rc != 0) {
        release(store);
        (void)err_set(err, -rc, "could not start a thread: %s", strerror(rc));
        return NULL;
    }
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    (void)pthread_mutex_lock(&store->lock);
    store->stop = true;
    (void)pthread_cond_signal(&store->work);
    (void)pthread_mutex_unlock(&store->lock);
    (void)pthread_join(store->thread, NULL);
    release(store);
}
