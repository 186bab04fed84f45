/* pgconn_params.c - hosts of a conninfo, and the settings that pgrmon never inherits.
 */
#include "pgconn_params.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pgconn.h"
#include "resolve.h"

/* No such value of target_session_attrs: see read_merged(). */
#define NOT_A_SESSION_ATTR "pgrmon-reads-the-parameters-only"

/* What the server is told with the start of each session, after the user's own options
 * so that it wins. Only settings that any role may set and all of 13 to 18 know: an
 * unknown one would refuse the session. The keepalives make the server forget a session
 * whose client vanished within seconds, not hours (postgres-facts 18). */
static const char server_settings[] =
    " -c search_path=pg_catalog,pg_temp"
    " -c synchronous_commit=local"
    " -c default_transaction_read_only=off"
    " -c default_transaction_deferrable=off"
    " -c default_transaction_isolation=read\\ committed"
    " -c idle_in_transaction_session_timeout=0"
    " -c client_min_messages=warning"
    " -c DateStyle=ISO"
    " -c jit=off"
    " -c tcp_keepalives_idle=1"
    " -c tcp_keepalives_interval=1"
    " -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=2000";

/* The same for our end; the user's own values win here. */
static const struct conninfo_change client_settings[] = {
    {"keepalives",          "1"   },
    {"keepalives_idle",     "1"   },
    {"keepalives_interval", "1"   },
    {"keepalives_count",    "2"   },
    {"tcp_user_timeout",    "2000"},
};

static void cleanup_options(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}

static void cleanup_params(struct conninfo_params *params)
{
    conninfo_params_deinit(params);
}

/* The value of `keyword`, or NULL when it is not set or empty. */
static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    if (options == NULL)
        return NULL;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0)
            return o->val != NULL && o->val[0] != '\0' ? o->val : NULL;
    }
    return NULL;
}

/* The conninfo as libpq completes it from the environment and the service file. libpq
 * tells that only of a connection object; a value it refuses keeps it from going on to
 * connect. NULL when it does not get that far (an unknown service): the real attempt
 * will say so then. */
static PQconninfoOption *read_merged(const char *conninfo)
{
    const struct conninfo_change poison = {"target_session_attrs", NOT_A_SESSION_ATTR};
    struct conninfo_params params CLEANUP(cleanup_params) = CONNINFO_PARAMS_NULL;
    PQconninfoOption *merged;
    PGconn *conn;

    if (conninfo_params_init(&params, conninfo, &poison, 1, NULL) < 0)
        return NULL;
    conn = PQconnectStartParams(params.keywords, params.values, 0);
    merged = PQconninfo(conn);
    PQfinish(conn);
    return merged;
}

/*
 * Hosts.
 */

static int count_entries(const char *list)
{
    int n = 1;

    if (list == NULL)
        return 0;
    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

/* Entry `i` of a comma-separated list; NULL when it is empty or not there. */
static char *entry(const char *list, int i)
{
    const char *end;
    char *copy;

    if (list == NULL)
        return NULL;
    for (; i > 0; i--) {
        list = strchr(list, ',');
        if (list == NULL)
            return NULL;
        list++;
    }
    end = strchrnul(list, ',');
    if (end == list)
        return NULL;
    copy = strndup(list, (size_t)(end - list));
    if (copy == NULL)
        err_out_of_memory();
    return copy;
}

static bool is_socket_directory(const char *host)
{
    return host[0] == '/' || host[0] == '@';
}

static void target_init(struct pgconn_target *target,
                        const char *hosts,
                        const char *addresses,
                        const char *ports,
                        int i)
{
    target->host = entry(hosts, i);
    target->hostaddr = entry(addresses, i);
    target->port = entry(ports, count_entries(ports) > 1 ? i : 0);
    target->is_name = target->host != NULL && target->hostaddr == NULL &&
                      !is_socket_directory(target->host) &&
                      !resolve_is_numeric(target->host);
}

/* The rules are libpq's (manual 34.1.1.3): as many hosts as addresses, and one port for
 * all or one for each. */
static int
read_targets(struct pgconn_params *ret, const PQconninfoOption *merged, struct err *err)
{
    const char *hosts = option_value(merged, "host");
    const char *addresses = option_value(merged, "hostaddr");
    const char *ports = option_value(merged, "port");
    int n_hosts = count_entries(hosts);
    int n_addresses = count_entries(addresses);
    int n = n_addresses > 0 ? n_addresses : n_hosts > 0 ? n_hosts : 1;

    if (n_hosts > 0 && n_hosts != n)
        return err_set(err, -EINVAL, "%d host names do not match %d host addresses",
                       n_hosts, n);
    if (count_entries(ports) > 1 && count_entries(ports) != n)
        return err_set(err, -EINVAL, "%d port numbers do not match %d hosts",
                       count_entries(ports), n);
    ret->n_targets = n;
    ret->targets = xcalloc((size_t)n, sizeof *ret->targets);
    for (int i = 0; i < n; i++)
        target_init(&ret->targets[i], hosts, addresses, ports, i);
    return 0;
}

/*
 * Settings.
 */

static char *server_options(const PQconninfoOption *merged,
                            const struct pgconn_options *options)
{
    const char *own = option_value(merged, "options");

    return xasprintf("%s%s -c statement_timeout=%" PRId64 " -c lock_timeout=%" PRId64,
                     own == NULL ? "" : own, server_settings,
                     options->statement_timeout_ms, options->statement_timeout_ms);
}

static int read_base(struct pgconn_params *ret,
                     const char *conninfo,
                     const PQconninfoOption *merged,
                     const struct pgconn_options *options,
                     struct err *err)
{
    char *server CLEANUP(cleanup_free) = server_options(merged, options);
    char *gss CLEANUP(cleanup_free) = conninfo_get(conninfo, "gssencmode");
    const char *name = options->application_name;
    struct conninfo_change changes[16];
    size_t n = 0;

    changes[n++] = (struct conninfo_change){"host", NULL};
    changes[n++] = (struct conninfo_change){"hostaddr", NULL};
    changes[n++] = (struct conninfo_change){"port", NULL};
    changes[n++] = (struct conninfo_change){"options", server};
    changes[n++] = (struct conninfo_change){"client_encoding", "UTF8"};
    changes[n++] =
        (struct conninfo_change){"application_name", name == NULL ? "pgrmon" : name};
    changes[n++] = (struct conninfo_change){"replication",
                                            options->replication ? "database" : NULL};
    /* libpq's default tries Kerberos wherever there is a ticket, and that looks up
     * names and asks servers while it blocks. Who wants it, says so. */
    if (gss == NULL && getenv("PGGSSENCMODE") == NULL)
        changes[n++] = (struct conninfo_change){"gssencmode", "disable"};
    for (size_t i = 0; i < sizeof client_settings / sizeof client_settings[0]; i++) {
        if (option_value(merged, client_settings[i].keyword) == NULL)
            changes[n++] = client_settings[i];
    }
    return conninfo_params_init(&ret->base, conninfo, changes, n, err);
}

int pgconn_params_init(struct pgconn_params *ret,
                       const char *conninfo,
                       const struct pgconn_options *options,
                       struct err *err)
{
    PQconninfoOption *merged CLEANUP(cleanup_options) = NULL;
    int r = conninfo_check(conninfo, err);

    *ret = (struct pgconn_params)PGCONN_PARAMS_NULL;
    if (r < 0)
        return r;
    merged = read_merged(conninfo);
    r = read_targets(ret, merged, err);
    if (r == 0)
        r = read_base(ret, conninfo, merged, options, err);
    if (r < 0)
        pgconn_params_deinit(ret);
    return r;
}

void pgconn_params_deinit(struct pgconn_params *params)
{
    for (int i = 0; i < params->n_targets; i++) {
        free(params->targets[i].host);
        free(params->targets[i].hostaddr);
        free(params->targets[i].port);
    }
    free(params->targets);
    conninfo_params_deinit(&params->base);
    *params = (struct pgconn_params)PGCONN_PARAMS_NULL;
}

PGconn *pgconn_params_start(const struct pgconn_params *params,
                            const struct pgconn_target *target,
                            const char *address)
{
    const char *const place[][2] = {
        {"host",     target->host                                },
        {"hostaddr", address != NULL ? address : target->hostaddr},
        {"port",     target->port                                },
    };
    const size_t n_places = sizeof place / sizeof place[0];
    size_t n = params->base.n;
    const char **keywords CLEANUP(cleanup_free) = NULL;
    const char **values CLEANUP(cleanup_free) = NULL;
    PGconn *conn;

    keywords = xcalloc(n + n_places + 1, sizeof *keywords);
    values = xcalloc(n + n_places + 1, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        keywords[i] = params->base.keywords[i];
        values[i] = params->base.values[i];
    }
    for (size_t i = 0; i < n_places; i++) {
        if (place[i][1] == NULL)
            continue;
        keywords[n] = place[i][0];
        values[n++] = place[i][1];
    }
    conn = PQconnectStartParams(keywords, values, 0);
    if (conn == NULL)
        err_out_of_memory();
    return conn;
}
