/* pgconn_params.h - from a conninfo to what libpq is given, one host at a time.
 *
 * libpq's asynchronous connect would look names up (blocking), and would wait for the
 * first of several hosts for as long as TCP does before it tries the second. So pgconn
 * walks the hosts itself; this is the pure part of it. */
#ifndef PGRMON_PGCONN_PARAMS_H
#define PGRMON_PGCONN_PARAMS_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "conninfo.h"
#include "err.h"

struct pgconn_options;

/* One place where the server may be. */
struct pgconn_target {
    char *host;     /* name, numeric address, socket directory; NULL: libpq's default */
    char *hostaddr; /* numeric address, or NULL */
    char *port;     /* NULL: libpq's default */
    bool is_name;   /* `host` must be looked up and the address given beside it */
};

struct pgconn_params {
    struct conninfo_params base; /* all but host, hostaddr and port */
    int n_targets;
    struct pgconn_target *targets; /* in the order of the conninfo, at least one */
};

#define PGCONN_PARAMS_NULL                                                             \
    {                                                                                  \
        CONNINFO_PARAMS_NULL, 0, NULL                                                  \
    }

/* Read `conninfo` with what libpq itself adds to it (PGHOST and other variables,
 * service file) and with what pgrmon adds (pgconn.h). Returns 0, or -EINVAL when the
 * conninfo is wrong. Release with pgconn_params_deinit(). */
int pgconn_params_init(struct pgconn_params *ret,
                       const char *conninfo,
                       const struct pgconn_options *options,
                       struct err *err) PGRMON_MUST_CHECK;

/* Wipes and frees; works on PGCONN_PARAMS_NULL and may be called twice. */
void pgconn_params_deinit(struct pgconn_params *params);

/* PQconnectStartParams() for one target; `address` (may be NULL) is what its name was
 * resolved to and goes beside it as hostaddr, so that the name still serves TLS and the
 * password file. Does no lookup and does not block; the caller judges PQstatus(). Never
 * NULL; the caller PQfinishes. */
PGconn *pgconn_params_start(const struct pgconn_params *params,
                            const struct pgconn_target *target,
                            const char *address);

#endif
