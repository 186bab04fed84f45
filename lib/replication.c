/* replication.c - see replication.h. */
#include "replication.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"

char *replication_slot_name(int node_id, char buf[static REPLICATION_SLOT_NAME_SIZE])
{
    (void)snprintf(buf, REPLICATION_SLOT_NAME_SIZE, "pgrmon_slot_%d", node_id);
    return buf;
}

/* The upstream's conninfo, changed for this node. */
static int build_conninfo(char **ret,
                          const struct config *config,
                          const char *upstream_conninfo,
                          const char *repluser,
                          const char *application_name,
                          bool keep_password,
                          struct err *err)
{
    struct conninfo_change changes[7];
    size_t n = 0;

    if (repluser != NULL && repluser[0] != '\0')
        changes[n++] = (struct conninfo_change){"user", repluser};
    if (config->passfile != NULL && config->passfile[0] != '\0')
        changes[n++] = (struct conninfo_change){"passfile", config->passfile};
    if (!keep_password) {
        changes[n++] = (struct conninfo_change){"password", NULL};
        changes[n++] = (struct conninfo_change){"sslpassword", NULL};
    }
    changes[n++] = (struct conninfo_change){"application_name", application_name};
    /* Ours alone, and an upstream need not be writable. */
    changes[n++] = (struct conninfo_change){"fallback_application_name", NULL};
    changes[n++] = (struct conninfo_change){"target_session_attrs", NULL};
    return conninfo_build(ret, upstream_conninfo, changes, n, err);
}

int replication_primary_conninfo(char **ret,
                                 const struct config *config,
                                 const char *upstream_conninfo,
                                 const char *repluser,
                                 struct err *err)
{
    return build_conninfo(ret, config, upstream_conninfo, repluser, config->node_name,
                          config->use_primary_conninfo_password, err);
}

int replication_client_conninfo(char **ret,
                                const struct config *config,
                                const char *upstream_conninfo,
                                const char *repluser,
                                struct err *err)
{
    return build_conninfo(ret, config, upstream_conninfo, repluser, NULL, true, err);
}

char *replication_quote(const char *value)
{
    char *quoted = xcalloc(2 * strlen(value) + 3, 1);
    char *out = quoted;

    *out++ = '\'';
    for (; *value != '\0'; value++) {
        /* A newline would end the line; PostgreSQL refuses one in ALTER SYSTEM too. */
        char c = *value == '\n' || *value == '\r' ? ' ' : *value;

        if (c == '\'' || c == '\\')
            *out++ = c;
        *out++ = c;
    }
    *out++ = '\'';
    *out = '\0';
    return quoted;
}

/* True when the line sets `name`; PostgreSQL's names know no case. */
static bool line_sets(const char *line, const char *name)
{
    size_t length = strlen(name);

    while (*line == ' ' || *line == '\t')
        line++;
    return strncasecmp(line, name, length) == 0 &&
           (isspace((unsigned char)line[length]) || line[length] == '=');
}

static bool line_is_stale(const char *line,
                          const struct replication_setting *settings,
                          size_t n_settings)
{
    static const char *const never_inherited[] = {
        "primary_conninfo",         "primary_slot_name",
        "recovery_min_apply_delay", "recovery_target",
        "recovery_target_action",   "recovery_target_inclusive",
        "recovery_target_lsn",      "recovery_target_name",
        "recovery_target_time",     "recovery_target_timeline",
        "recovery_target_xid"};

    for (size_t i = 0; i < sizeof never_inherited / sizeof *never_inherited; i++)
        if (line_sets(line, never_inherited[i]))
            return true;
    for (size_t i = 0; i < n_settings; i++)
        if (line_sets(line, settings[i].name))
            return true;
    return false;
}

static void write_kept_lines(FILE *out,
                             const char *text,
                             const struct replication_setting *settings,
                             size_t n_settings)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        if (!line_is_stale(text, settings, n_settings))
            (void)fprintf(out, "%.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

char *replication_auto_conf(const char *text,
                            const struct replication_setting *settings,
                            size_t n_settings)
{
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);

    if (out == NULL)
        err_out_of_memory();
    write_kept_lines(out, text, settings, n_settings);
    for (size_t i = 0; i < n_settings; i++) {
        char *quoted CLEANUP(cleanup_free) = NULL;

        if (settings[i].value == NULL)
            continue;
        quoted = replication_quote(settings[i].value);
        (void)fprintf(out, "%s = %s\n", settings[i].name, quoted);
    }
    if (fclose(out) != 0)
        err_out_of_memory();
    return result;
}

/* Where the history leaves `timeline`; lines are "<timeline>\t<lsn>\t<reason>". */
static bool fork_point(const char *history, int timeline, struct lsn *ret)
{
    while (history != NULL && *history != '\0') {
        int tli;
        char text[LSN_TEXT_SIZE];

        if (sscanf(history, "%d %17s", &tli, text) == 2 && tli == timeline)
            return lsn_parse(text, ret) == 0;
        history = strchr(history, '\n');
        if (history != NULL)
            history++;
    }
    return false;
}

enum replication_attach replication_can_attach(const struct replication_end *standby,
                                               const struct replication_end *upstream,
                                               const char *history,
                                               struct lsn *ret_fork)
{
    struct lsn fork = LSN_UNKNOWN;

    if (ret_fork != NULL)
        *ret_fork = LSN_UNKNOWN;
    if (standby->system_identifier != upstream->system_identifier)
        return REPLICATION_OTHER_SYSTEM;
    if (standby->timeline > upstream->timeline)
        return REPLICATION_BEHIND;
    if (standby->timeline == upstream->timeline)
        return REPLICATION_ATTACH_OK;
    if (!fork_point(history, standby->timeline, &fork))
        return REPLICATION_UNRELATED;
    if (ret_fork != NULL)
        *ret_fork = fork;
    return lsn_cmp(standby->position, fork) > 0 ? REPLICATION_FORKED
                                                : REPLICATION_ATTACH_OK;
}
