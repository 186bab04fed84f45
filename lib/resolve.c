/* resolve.c - c-ares bound to libev.
 *
 * Each lookup has a channel of its own: initialising one costs some file reads and no
 * network, follows every change of /etc/resolv.conf, and makes cancelling simple, since
 * destroying the channel ends exactly this lookup. c-ares may answer from inside any
 * call into it; so its callback only stores, and a timer of zero delay delivers. */
#include "resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "err.h"

/* Room for an IPv6 address with a zone. */
#define ADDRESS_SIZE (INET6_ADDRSTRLEN + 16)

struct addresses {
    int n;
    char text[RESOLVE_MAX_ADDRESSES][ADDRESS_SIZE];
};

/* What a name last resolved to. */
struct memory {
    struct memory *next;
    struct addresses addresses;
    char host[];
};

struct resolve {
    struct ev_loop *loop;
    struct memory *memories; /* as many as there are hosts in the cluster's conninfos */
    char *servers;           /* NULL: as /etc/resolv.conf says */
};

/* One descriptor of the channel that libev watches. */
struct watch {
    ev_io io; /* first member: cast back from the watcher */
    struct watch *next;
    struct resolve_lookup *lookup;
};

struct resolve_lookup {
    struct resolve *resolve;
    ares_channel channel; /* NULL for a numeric address */
    struct watch *watches;
    ev_timer ares_timer;     /* c-ares' own retries */
    ev_timer deadline_timer; /* ours */
    ev_timer deliver_timer;  /* the result is there: deliver it from the loop */
    int status;              /* ARES_SUCCESS, or why not */
    struct addresses found;
    resolve_cb *cb;
    void *arg;
    char host[];
};

/*
 * Remembered answers.
 */

static struct memory *memory_find(const struct resolve *resolve, const char *host)
{
    struct memory *m = resolve->memories;

    while (m != NULL && strcasecmp(m->host, host) != 0)
        m = m->next;
    return m;
}

static void memory_store(struct resolve *resolve,
                         const char *host,
                         const struct addresses *addresses)
{
    struct memory *m = memory_find(resolve, host);

    if (m == NULL) {
        m = xcalloc(1, sizeof *m + strlen(host) + 1);
        (void)strcpy(m->host, host);
        m->next = resolve->memories;
        resolve->memories = m;
    }
    m->addresses = *addresses;
}

static void memory_forget(struct resolve *resolve, const char *host)
{
    for (struct memory **p = &resolve->memories; *p != NULL; p = &(*p)->next) {
        struct memory *m = *p;

        if (strcasecmp(m->host, host) != 0)
            continue;
        *p = m->next;
        free(m);
        return;
    }
}

struct resolve *resolve_new(struct ev_loop *loop)
{
    struct resolve *resolve = xcalloc(1, sizeof *resolve);

    (void)ares_library_init(ARES_LIB_INIT_ALL); /* counts its callers; no-op on Linux */
    resolve->loop = loop;
    return resolve;
}

void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    while (resolve->memories != NULL) {
        struct memory *m = resolve->memories;

        resolve->memories = m->next;
        free(m);
    }
    free(resolve->servers);
    free(resolve);
    ares_library_cleanup();
}

void resolve_set_servers(struct resolve *resolve, const char *servers)
{
    free(resolve->servers);
    resolve->servers = servers == NULL ? NULL : xstrdup(servers);
}

bool resolve_is_numeric(const char *host)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    /* getaddrinfo, not inet_pton, for the zone of fe80::1%eth0. Asks nobody. But it
     * also takes "1" and "0x7f.1", which libpq takes for addresses as well. */
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return false;
    freeaddrinfo(list);
    return true;
}

/*
 * The end of a lookup.
 */

static void lookup_release(struct resolve_lookup *lookup)
{
    struct ev_loop *loop = lookup->resolve->loop;

    ev_timer_stop(loop, &lookup->ares_timer);
    ev_timer_stop(loop, &lookup->deadline_timer);
    ev_timer_stop(loop, &lookup->deliver_timer);
    if (lookup->channel != NULL)
        ares_destroy(lookup->channel); /* closes its sockets: on_socket_state() */
    while (lookup->watches != NULL) {
        struct watch *w = lookup->watches;

        lookup->watches = w->next;
        ev_io_stop(loop, &w->io);
        free(w);
    }
    free(lookup);
}

void resolve_cancel(struct resolve_lookup *lookup)
{
    if (lookup == NULL)
        return;
    lookup->cb = NULL; /* ares_destroy() calls on_result() */
    lookup_release(lookup);
}

/* c-ares' reason as one of ours. */
static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
    case ARES_EBADSTR:
        return -ENOENT;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    default:
        return -EIO;
    }
}

static void describe(const struct resolve_lookup *lookup, int code, char *buf, size_t n)
{
    const char *host = lookup->host;

    switch (code) {
    case 0:
        buf[0] = '\0';
        break;
    case -ENOENT:
        (void)snprintf(buf, n, "host name \"%s\" does not exist", host);
        break;
    case -ETIMEDOUT:
        (void)snprintf(buf, n, "no name server answered for host name \"%s\" in time",
                       host);
        break;
    default:
        (void)snprintf(buf, n, "could not look up host name \"%s\": %s", host,
                       ares_strerror(lookup->status));
    }
}

static void deliver(struct resolve_lookup *lookup)
{
    struct resolve *resolve = lookup->resolve;
    struct resolve_answer answer = {.code = code_of(lookup->status)};
    struct addresses found = lookup->found;
    resolve_cb *cb = lookup->cb;
    void *arg = lookup->arg;
    char message[512];

    describe(lookup, answer.code, message, sizeof message);
    answer.message = message;
    if (answer.code == 0) {
        memory_store(resolve, lookup->host, &found);
    } else if (answer.code == -ENOENT) {
        memory_forget(resolve, lookup->host); /* an answer, if an unwelcome one */
    } else {
        const struct memory *m = memory_find(resolve, lookup->host);

        if (m != NULL) {
            found = m->addresses;
            answer.code = 0;
            answer.remembered = true;
        }
    }
    if (answer.code == 0)
        answer.n_addresses = found.n;
    for (int i = 0; i < answer.n_addresses; i++)
        answer.addresses[i] = found.text[i];
    lookup->cb = NULL;
    lookup_release(lookup);
    cb(arg, &answer);
}

static void on_deliver(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    deliver(timer->data);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct resolve_lookup *lookup = timer->data;

    (void)loop;
    (void)revents;
    lookup->status = ARES_ETIMEOUT;
    deliver(lookup);
}

/* Have the result delivered by the next turn of the loop. */
static void finish(struct resolve_lookup *lookup, int status)
{
    lookup->status = status;
    ev_timer_set(&lookup->deliver_timer, 0., 0.);
    ev_timer_start(lookup->resolve->loop, &lookup->deliver_timer);
}

/*
 * c-ares' side.
 */

static void collect(struct addresses *ret, const struct ares_addrinfo *info)
{
    for (const struct ares_addrinfo_node *node = info->nodes;
         node != NULL && ret->n < RESOLVE_MAX_ADDRESSES; node = node->ai_next) {
        if (getnameinfo(node->ai_addr, node->ai_addrlen, ret->text[ret->n],
                        ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) == 0)
            ret->n++;
    }
}

static void on_result(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolve_lookup *lookup = arg;

    (void)timeouts;
    if (lookup->cb != NULL) { /* else it is being released */
        if (status == ARES_SUCCESS)
            collect(&lookup->found, info);
        if (status == ARES_SUCCESS && lookup->found.n == 0)
            status = ARES_ENODATA;
        finish(lookup, status);
    }
    if (info != NULL)
        ares_freeaddrinfo(info);
}

/* After each call into c-ares: when does it want to be called again? */
static void arm_ares_timer(struct resolve_lookup *lookup)
{
    struct ev_loop *loop = lookup->resolve->loop;
    struct timeval tv;

    ev_timer_stop(loop, &lookup->ares_timer);
    if (ares_timeout(lookup->channel, NULL, &tv) == NULL)
        return;
    ev_timer_set(&lookup->ares_timer, (double)tv.tv_sec + (double)tv.tv_usec / 1e6, 0.);
    ev_timer_start(loop, &lookup->ares_timer);
}

static void on_ares_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct resolve_lookup *lookup = timer->data;

    (void)loop;
    (void)revents;
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_ares_timer(lookup);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct resolve_lookup *lookup = io->data;
    int fd = io->fd; /* the watch may be gone when c-ares returns */

    (void)loop;
    ares_process_fd(lookup->channel, (revents & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (revents & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    arm_ares_timer(lookup);
}

static void watch_remove(struct resolve_lookup *lookup, int fd)
{
    for (struct watch **p = &lookup->watches; *p != NULL; p = &(*p)->next) {
        struct watch *w = *p;

        if (w->io.fd != fd)
            continue;
        *p = w->next;
        ev_io_stop(lookup->resolve->loop, &w->io);
        free(w);
        return;
    }
}

/* c-ares wants to hear of `fd`, or (both zero) closes it. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolve_lookup *lookup = arg;
    struct watch *w;

    watch_remove(lookup, fd);
    if (!readable && !writable)
        return;
    w = xcalloc(1, sizeof *w);
    ev_io_init(&w->io, on_io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    w->io.data = lookup;
    w->next = lookup->watches;
    lookup->watches = w;
    ev_io_start(lookup->resolve->loop, &w->io);
}

/* Open the channel. A first server that is dead must leave time for the second within
 * our deadline; c-ares' default of 5 s would not. */
static int open_channel(struct resolve_lookup *lookup, int64_t deadline_ms)
{
    struct ares_options options = {
        .timeout = (int)(deadline_ms / 4 > 2000  ? 2000
                         : deadline_ms / 4 < 100 ? 100
                                                 : deadline_ms / 4),
        .tries = 3,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = lookup,
    };
    int status =
        ares_init_options(&lookup->channel, &options,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

    if (status != ARES_SUCCESS) {
        lookup->channel = NULL;
        return status;
    }
    if (lookup->resolve->servers != NULL)
        return ares_set_servers_ports_csv(lookup->channel, lookup->resolve->servers);
    return ARES_SUCCESS;
}

struct resolve_lookup *resolve_start(struct resolve *resolve,
                                     const char *host,
                                     int64_t deadline_ms,
                                     resolve_cb *cb,
                                     void *arg)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                              .ai_socktype = SOCK_STREAM};
    struct resolve_lookup *lookup = xcalloc(1, sizeof *lookup + strlen(host) + 1);
    int status;

    (void)strcpy(lookup->host, host);
    lookup->resolve = resolve;
    lookup->cb = cb;
    lookup->arg = arg;
    ev_init(&lookup->ares_timer, on_ares_timer);
    ev_init(&lookup->deliver_timer, on_deliver);
    ev_now_update(resolve->loop);
    ev_timer_init(&lookup->deadline_timer, on_deadline, (double)deadline_ms / 1000.,
                  0.);
    lookup->ares_timer.data = lookup->deliver_timer.data = lookup;
    lookup->deadline_timer.data = lookup;
    ev_timer_start(resolve->loop, &lookup->deadline_timer);

    if (strlen(host) < ADDRESS_SIZE && resolve_is_numeric(host)) {
        (void)strcpy(lookup->found.text[0], host);
        lookup->found.n = 1;
        finish(lookup, ARES_SUCCESS);
        return lookup;
    }
    status = open_channel(lookup, deadline_ms);
    if (status != ARES_SUCCESS) {
        finish(lookup, status);
        return lookup;
    }
    ares_getaddrinfo(lookup->channel, host, NULL, &hints, on_result, lookup);
    arm_ares_timer(lookup);
    return lookup;
}
