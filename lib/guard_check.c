/* guard_check.c - which settings do not go with a start guard: postgres-facts 8. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "conninfo.h"
#include "guard.h"

/* Once lower than what the WAL was written with, a standby does not start. */
static const char *const never_lower[] = {
    "max_connections",           "max_worker_processes",      "max_wal_senders",
    "max_prepared_transactions", "max_locks_per_transaction",
};

static const char *const recovery_targets[] = {
    "recovery_target",      "recovery_target_lsn", "recovery_target_name",
    "recovery_target_time", "recovery_target_xid",
};

const char *const guard_setting_names[] = {
    "hot_standby",
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
    "port",
    "primary_conninfo",
    "recovery_target",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
    "restore_command",
    "wal_level",
    NULL,
};

struct look {
    const struct guard_setting *settings;
    size_t n;
};

static const struct guard_setting *find(const struct look *look, const char *name)
{
    for (size_t i = 0; i < look->n; i++)
        if (strcmp(look->settings[i].name, name) == 0)
            return &look->settings[i];
    return NULL;
}

/* What the server would be started with; "" when it is not known. */
static const char *next(const struct look *look, const char *name)
{
    const struct guard_setting *setting = find(look, name);

    if (setting == NULL)
        return "";
    if (setting->next != NULL)
        return setting->next;
    return setting->value != NULL ? setting->value : "";
}

static int refuse(const char *name, const char *value, const char *why, struct err *err)
{
    (void)err_set(err, GUARD_E_REFUSED,
                  "with \"%s\" = \"%s\" the start guard must not be armed", name,
                  value);
    err_detail(err, "%s", why);
    err_hint(err, "ALTER SYSTEM RESET %s; or edit the file that sets it", name);
    return GUARD_E_REFUSED;
}

static int check_targets(const struct look *look, struct err *err)
{
    const char *timeline = next(look, "recovery_target_timeline");

    for (size_t i = 0; i < sizeof recovery_targets / sizeof *recovery_targets; i++) {
        const char *value = next(look, recovery_targets[i]);

        if (value[0] != '\0')
            return refuse(recovery_targets[i], value,
                          "a guarded PostgreSQL would recover up to that target and no "
                          "further, or not start",
                          err);
    }
    if (timeline[0] != '\0' && strcmp(timeline, "latest") != 0 &&
        strcmp(timeline, "current") != 0)
        return refuse("recovery_target_timeline", timeline,
                      "a guarded PostgreSQL would look for that timeline and not start",
                      err);
    return 0;
}

static int check_limits(const struct look *look, struct err *err)
{
    for (size_t i = 0; i < sizeof never_lower / sizeof *never_lower; i++) {
        const struct guard_setting *setting = find(look, never_lower[i]);

        if (setting == NULL || setting->value == NULL || setting->next == NULL ||
            strtol(setting->next, NULL, 10) >= strtol(setting->value, NULL, 10))
            continue;
        (void)err_set(err, GUARD_E_REFUSED,
                      "\"%s\" would be lowered from %s to %s by the next start",
                      setting->name, setting->value, setting->next);
        err_detail(err,
                   "a guarded PostgreSQL does not start with less than the WAL was "
                   "written with");
        err_hint(err, "ALTER SYSTEM SET %s = %s;", setting->name, setting->value);
        return GUARD_E_REFUSED;
    }
    return 0;
}

static bool is_off(const char *value)
{
    return strcasecmp(value, "off") == 0 || strcasecmp(value, "false") == 0 ||
           strcasecmp(value, "no") == 0 || strcmp(value, "0") == 0;
}

static int check_modes(const struct look *look, struct err *err)
{
    if (strcmp(next(look, "wal_level"), "minimal") == 0)
        return refuse("wal_level", "minimal",
                      "a guarded PostgreSQL cannot be a standby of WAL that holds too "
                      "little",
                      err);
    if (is_off(next(look, "hot_standby")))
        return refuse("hot_standby", next(look, "hot_standby"),
                      "a guarded PostgreSQL would let nobody connect (57P03), the "
                      "daemon neither",
                      err);
    return 0;
}

/* True when `name` means this machine to itself. A host that is missing is a socket. */
static bool is_local(const char *host)
{
    return host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
           strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static bool same_host(const char *a, const char *b)
{
    return a != NULL && b != NULL && a[0] != '\0' && strcasecmp(a, b) == 0;
}

static bool same_port(const char *a, const char *b)
{
    long x = a != NULL && a[0] != '\0' ? strtol(a, NULL, 10) : 5432;
    long y = b != NULL && b[0] != '\0' ? strtol(b, NULL, 10) : 5432;

    return x == y;
}

/* Streaming from itself does not fail: it waits for WAL that it would have to write. */
static bool leads_to_itself(const struct look *look, const char *conninfo)
{
    const char *upstream = next(look, "primary_conninfo");
    const char *own_port = next(look, "port");
    char *host CLEANUP(cleanup_free) = NULL;
    char *address CLEANUP(cleanup_free) = NULL;
    char *port CLEANUP(cleanup_free) = NULL;
    char *host2 CLEANUP(cleanup_free) = NULL;
    char *address2 CLEANUP(cleanup_free) = NULL;
    char *port2 CLEANUP(cleanup_free) = NULL;

    if (upstream[0] == '\0')
        return false;
    host = conninfo_get(upstream, "host");
    address = conninfo_get(upstream, "hostaddr");
    port = conninfo_get(upstream, "port");
    if (own_port[0] != '\0' && same_port(port, own_port) &&
        is_local(address != NULL ? address : host))
        return true;
    if (conninfo == NULL)
        return false;
    host2 = conninfo_get(conninfo, "host");
    address2 = conninfo_get(conninfo, "hostaddr");
    port2 = conninfo_get(conninfo, "port");
    return same_port(port, port2) &&
           (same_host(host, host2) || same_host(address, address2) ||
            same_host(host, address2) || same_host(address, host2));
}

static int
check_upstream(const struct look *look, const char *conninfo, struct err *err)
{
    if (!leads_to_itself(look, conninfo))
        return 0;
    (void)err_set(err, GUARD_E_REFUSED,
                  "\"primary_conninfo\" leads to this PostgreSQL itself");
    err_detail(err, "a guarded PostgreSQL would stream from itself for ever");
    err_hint(err, "ALTER SYSTEM RESET primary_conninfo;");
    return GUARD_E_REFUSED;
}

static int check_restore(const struct look *look, struct err *err)
{
    if (next(look, "restore_command")[0] == '\0')
        return 0;
    (void)err_set(err, GUARD_E_SLOW,
                  "\"restore_command\" is set on a primary that has a start guard");
    err_detail(err,
               "after a restart it is called for each WAL file that the archive may "
               "have, and a promotion waits for it");
    err_hint(err, "ALTER SYSTEM RESET restore_command; unless it is quick");
    return GUARD_E_SLOW;
}

int guard_check(const struct guard_setting *settings,
                size_t n,
                const char *conninfo,
                struct err *err)
{
    struct look look = {.settings = settings, .n = n};
    int r = check_targets(&look, err);

    if (r == 0)
        r = check_modes(&look, err);
    if (r == 0)
        r = check_limits(&look, err);
    if (r == 0)
        r = check_upstream(&look, conninfo, err);
    if (r == 0)
        r = check_restore(&look, err);
    return r;
}
