/* config.c - load, reload and release the configuration of a node. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "cleanup.h"
#include "config_private.h"

#define ENVIRONMENT_PREFIX "PGRMON_"
#define ENVIRONMENT_FILE   "PGRMON_CONFIG_FILE"

void config_init(struct config *config)
{
    *config = (struct config){.file = xstrdup("")};
    config->origins = xcalloc(config_table_size, sizeof *config->origins);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];
        bool number = row->type == CONFIG_TYPE_INT || row->type == CONFIG_TYPE_DURATION;
        char *problem;

        if (number && row->fallback[0] == '\0') /* required: node_id */
            continue;
        problem = config_value_set(config, row, row->fallback);
        if (problem != NULL) /* a bug in the table, not in the input */
            abort();
    }
}

void config_free(struct config *config)
{
    if (config->origins != NULL) {
        for (size_t i = 0; i < config_table_size; i++) {
            config_value_clear(config, &config_table[i]);
            free(config->origins[i].file);
        }
        free(config->origins);
    }
    free(config->file);
    config_issues_free(&config->issues);
    *config = (struct config){0};
}

static void
unknown_setting(struct config *config, const char *name, const char *file, int line)
{
    const char *near = config_suggest(name);
    const struct config_ignored *ignored = config_ignored_find(name);

    if (ignored != NULL)
        config_issue_add(&config->issues, CONFIG_WARNING, file, line,
                         "\"%s\" has no effect here: %s", ignored->name,
                         ignored->reason);
    else if (near != NULL)
        config_issue_add(&config->issues, CONFIG_ERROR, file, line,
                         "unknown setting \"%.64s\" (did you mean \"%s\"?)", name,
                         near);
    else
        config_issue_add(&config->issues, CONFIG_ERROR, file, line,
                         "unknown setting \"%.64s\"", name);
}

/* A second value in the same file is probably an accident; in another file, it is what
 * include is for. */
static void warn_duplicate(struct config *config,
                           const struct config_row *row,
                           const struct config_origin *before,
                           const char *file,
                           int line)
{
    if (row->type != CONFIG_TYPE_MAPPING && before->source == CONFIG_FROM_FILE &&
        file != NULL && strcmp(before->file, file) == 0)
        config_issue_add(&config->issues, CONFIG_WARNING, file, line,
                         "\"%s\" was set in line %d already; the last value counts",
                         row->name, before->line);
}

void config_set(struct config *config,
                const char *name,
                const char *value,
                enum config_source source,
                const char *file,
                int line)
{
    const struct config_row *row;
    struct config_origin *origin;
    char *problem CLEANUP(cleanup_free) = NULL;
    int i = config_table_find(name);

    if (i < 0) {
        unknown_setting(config, name, file, line);
        return;
    }
    row = &config_table[i];
    origin = &config->origins[i];
    warn_duplicate(config, row, origin, file, line);
    if (row->type == CONFIG_TYPE_MAPPING && origin->source != source)
        config_value_clear(config, row); /* the environment replaces the file's list */
    problem = config_value_set(config, row, value);
    if (problem != NULL && source == CONFIG_FROM_ENVIRONMENT)
        config_issue_add(&config->issues, CONFIG_ERROR, NULL, 0,
                         "environment variable for \"%s\": %s", row->name, problem);
    else if (problem != NULL)
        config_issue_add(&config->issues, CONFIG_ERROR, file, line, "%s", problem);
    free(origin->file);
    *origin = (struct config_origin){
        .source = source, .file = file == NULL ? NULL : xstrdup(file), .line = line};
}

/* One variable "PGRMON_X=value". Names that are no setting may belong to somebody else
 * (a test, an entry point): only what looks like a slip of the pen is worth a word. */
static void apply_variable(struct config *config, const char *variable)
{
    const char *equals = strchr(variable, '=');
    size_t prefix = strlen(ENVIRONMENT_PREFIX);
    char *name CLEANUP(cleanup_free) = NULL;
    const struct config_ignored *ignored;

    if (equals == NULL || strncmp(variable, ENVIRONMENT_PREFIX, prefix) != 0 ||
        strncmp(variable, ENVIRONMENT_FILE "=", sizeof ENVIRONMENT_FILE) == 0)
        return;
    name = xasprintf("%.*s", (int)(equals - variable - (ptrdiff_t)prefix),
                     variable + prefix);
    ignored = config_ignored_find(name);
    if (config_table_find(name) >= 0)
        config_set(config, name, equals + 1, CONFIG_FROM_ENVIRONMENT, NULL, 0);
    else if (ignored != NULL)
        config_issue_add(&config->issues, CONFIG_WARNING, NULL, 0,
                         "environment variable \"%s%.64s\" has no effect: %s",
                         ENVIRONMENT_PREFIX, name, ignored->reason);
    else if (config_suggest(name) != NULL)
        config_issue_add(
            &config->issues, CONFIG_WARNING, NULL, 0,
            "environment variable \"%s%.64s\" is not the name of a setting "
            "(did you mean the one of \"%s\"?)",
            ENVIRONMENT_PREFIX, name, config_suggest(name));
}

static void apply_environment(struct config *config)
{
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        apply_variable(config, *variable);
}

/* The state directory follows the name of the node unless it was set. */
static void fill_in(struct config *config)
{
    if (config->state_directory[0] != '\0' || config->node_name[0] == '\0')
        return;
    free(config->state_directory);
    config->state_directory = xasprintf("/var/lib/pgrmon/%s", config->node_name);
}

/* The errors as indented lines, as many as fit. */
static int refuse(const struct config *config, struct err *err)
{
    char detail[sizeof err->detail] = "";
    size_t used = 0;
    int n;

    (void)err_set(err, -EINVAL,
                  "following errors were found in the configuration%s%s%s:",
                  config->file[0] == '\0' ? "" : " file \"", config->file,
                  config->file[0] == '\0' ? "" : "\"");
    for (size_t i = 0; i < config->issues.n; i++) {
        const struct config_issue *issue = &config->issues.items[i];
        char *text CLEANUP(cleanup_free) = config_issue_text(issue);

        if (issue->severity != CONFIG_ERROR)
            continue;
        n = snprintf(detail + used, sizeof detail - used, "%s  %s",
                     used == 0 ? "" : "\n", text);
        if ((size_t)n >= sizeof detail - used) {
            if (used > 0)
                detail[used] = '\0'; /* whole lines only */
            break;
        }
        used += (size_t)n;
    }
    err_detail(err, "%s", detail);
    return -EINVAL;
}

static int finish(struct config_loader *loader, bool required, struct err *err)
{
    apply_environment(loader->config);
    fill_in(loader->config);
    config_check(loader, required);
    return loader->config->issues.n_errors > 0 ? refuse(loader->config, err) : 0;
}

/* So that a daemon that changed its directory finds it again; symbolic links are kept,
 * since a container's configuration is exchanged by changing one. */
static char *absolute(const char *path)
{
    char *cwd CLEANUP(cleanup_free) = NULL;

    if (path[0] != '/')
        cwd = getcwd(NULL, 0);
    return cwd == NULL
               ? xstrdup(path)
               : xasprintf("%s/%s", cwd, strncmp(path, "./", 2) ? path : path + 2);
}

/* The first file that exists, to free; NULL when there is none. */
static char *find_file(const char *path)
{
    static const char *const places[] = {"pgrmon.conf", "/etc/pgrmon/pgrmon.conf"};

    if (path == NULL)
        path = getenv(ENVIRONMENT_FILE);
    if (path != NULL && path[0] != '\0')
        return absolute(path);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], F_OK) == 0 || errno != ENOENT)
            return absolute(places[i]);
    return NULL;
}

int config_load(struct config *ret, const char *path, struct err *err)
{
    struct config_loader loader CLEANUP(config_loader_deinit) = {.config = ret};
    char *file CLEANUP(cleanup_free) = find_file(path);
    int r;

    config_init(ret);
    if (file != NULL) {
        r = config_parse_file(&loader, file);
        if (r < 0) {
            (void)err_set(err, r, "could not read configuration file \"%s\": %s", file,
                          config_read_error(r));
            err_hint(err, "name an existing file with -f/--config-file");
            return r;
        }
        free(ret->file);
        ret->file = xstrdup(file);
    }
    r = finish(&loader, true, err);
    if (r < 0 && file == NULL) {
        r = err_set(err, -ENOENT, "no configuration file was found");
        err_detail(err, "looked for $" ENVIRONMENT_FILE ", ./pgrmon.conf and "
                        "/etc/pgrmon/pgrmon.conf; the environment alone does not hold "
                        "a valid configuration");
        err_hint(err, "name the file with -f/--config-file");
    }
    return r;
}

int config_from_conninfo(struct config *ret, const char *conninfo, struct err *err)
{
    struct config_loader loader CLEANUP(config_loader_deinit) = {.config = ret};
    char *problem CLEANUP(cleanup_free) = NULL;
    int row = config_table_find("conninfo");

    config_init(ret);
    apply_environment(ret);
    fill_in(ret);
    problem = config_value_set(ret, &config_table[row], conninfo);
    ret->origins[row].source = CONFIG_FROM_COMMAND_LINE;
    if (problem != NULL)
        return err_set(err, -EINVAL, "%s", problem);
    config_check(&loader, false);
    return ret->issues.n_errors > 0 ? refuse(ret, err) : 0;
}

void config_reload(struct config *running,
                   struct config *next,
                   struct config_changes *ret)
{
    struct config_origin origin;

    ret->n_changed = ret->n_needs_restart = 0;
    ret->changed = xcalloc(config_table_size + 1, sizeof *ret->changed);
    ret->needs_restart = xcalloc(config_table_size + 1, sizeof *ret->needs_restart);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];
        bool equal = config_value_equal(running, next, row);

        if (!equal && !row->reloadable) {
            ret->needs_restart[ret->n_needs_restart++] = row->name;
            continue;
        }
        if (!equal)
            ret->changed[ret->n_changed++] = row->name;
        config_value_swap(running, next, row);
        origin = running->origins[i];
        running->origins[i] = next->origins[i];
        next->origins[i] = origin;
    }
}

void config_changes_deinit(struct config_changes *changes)
{
    free(changes->changed);
    free(changes->needs_restart);
    *changes = (struct config_changes){0};
}

int64_t config_window_ms(const struct config *config)
{
    return config->reconnect_attempts * config->reconnect_interval_ms;
}

int64_t config_beat_ms(const struct config *config)
{
    int64_t beat = config_window_ms(config) / 20;

    if (beat > config->monitor_interval_ms)
        beat = config->monitor_interval_ms;
    return beat < CONFIG_BEAT_MIN_MS ? CONFIG_BEAT_MIN_MS : beat;
}

int64_t config_lease_ms(const struct config *config)
{
    return config_window_ms(config) / 2;
}

int config_syslog_facility(const struct config *config)
{
    static const int local[] = {LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                                LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};

    if (config->log_facility >= CONFIG_LOG_LOCAL0)
        return local[config->log_facility - CONFIG_LOG_LOCAL0];
    if (config->log_facility == CONFIG_LOG_USER)
        return LOG_USER;
    return config->log_facility == CONFIG_LOG_DAEMON ? LOG_DAEMON : -1;
}

bool config_event_wanted(const struct config *config, const char *event)
{
    const struct config_list *wanted = &config->event_notifications;

    for (size_t i = 0; i < wanted->n; i++)
        if (strcmp(wanted->items[i], event) == 0)
            return true;
    return wanted->n == 0;
}
