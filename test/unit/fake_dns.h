/* fake_dns.h - a name server on the loopback for tests, served by the test's own loop.
 */
#ifndef PGRMON_TEST_FAKE_DNS_H
#define PGRMON_TEST_FAKE_DNS_H

#include <ev.h>
#include <stdbool.h>

/* It knows the name "db.test" (127.0.0.1 and 127.0.0.2) and denies every other. */
struct fake_dns {
    struct ev_loop *loop;
    ev_io io;
    int fd;
    bool silent;      /* swallow questions */
    int n_questions;  /* seen so far */
    char servers[32]; /* for resolve_set_servers() */
};

void fake_dns_init(struct fake_dns *dns, struct ev_loop *loop);
void fake_dns_deinit(struct fake_dns *dns);

#endif
