/* resolve.h - host names to addresses on a libev loop, by c-ares; never blocks.
 *
 * Why not getaddrinfo(), or libpq's own lookup: both wait for the name server in the
 * calling thread, and a name server that died must not delay anybody's heartbeat.
 * c-ares reads /etc/hosts, /etc/resolv.conf and asks DNS; other sources of
 * nsswitch.conf (mdns, mymachines, ldap) are not consulted.
 *
 * What a name last resolved to is remembered and given again when no name server
 * answers: a DNS outage must not look like the loss of every node. */
#ifndef PGRMON_RESOLVE_H
#define PGRMON_RESOLVE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

/* A host with more addresses is used with its first ones. */
#define RESOLVE_MAX_ADDRESSES 8

struct resolve;
struct resolve_lookup;

/* The end of a lookup. Valid only during the callback. */
struct resolve_answer {
    /* 0: `addresses` are there. Otherwise there are none and:
     * -ENOENT the name does not exist or has no address, -ETIMEDOUT no name server
     * answered in time, -EIO the name server failed or could not be asked. */
    int code;
    int n_addresses;
    const char *addresses[RESOLVE_MAX_ADDRESSES]; /* numeric, best first (RFC 6724) */
    bool remembered;     /* from an earlier lookup, since this one got no answer */
    const char *message; /* why `code` or `remembered`; "" on success */
};

typedef void resolve_cb(void *arg, const struct resolve_answer *answer);

/* A resolver for sessions on `loop`, which must outlive it. Never NULL. */
struct resolve *resolve_new(struct ev_loop *loop);

/* Release. Every lookup must have ended or been cancelled. NULL is fine. */
void resolve_free(struct resolve *resolve);

/* Look `host` up. The callback is called exactly once, from the loop, at the latest
 * after `deadline_ms` (at least 1), unless cancelled; the handle is gone then. A
 * numeric address is its own answer. The configuration of the name service is read
 * afresh each time. */
struct resolve_lookup *resolve_start(struct resolve *resolve,
                                     const char *host,
                                     int64_t deadline_ms,
                                     resolve_cb *cb,
                                     void *arg);

/* Forget a lookup; its callback is not called. NULL is fine. */
void resolve_cancel(struct resolve_lookup *lookup);

/* True when `host` is a numeric address (IPv4, IPv6, IPv6 with a zone). */
bool resolve_is_numeric(const char *host);

/* For tests: ask these servers ("127.0.0.1:5353,...") instead of /etc/resolv.conf's.
 * Copied; NULL goes back. */
void resolve_set_servers(struct resolve *resolve, const char *servers);

#endif
