/* config_check.c - what one value must look like beyond its type, and what settings
 * must mean together. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "config_private.h"
#include "conninfo.h"

/* The least number of beats a lease must last (design.md section 2). */
#define BEATS_PER_LEASE 5

static bool printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

const char *config_check_node_name(const char *text)
{
    if (strlen(text) > CONFIG_NODE_NAME_MAX)
        return "a name has 63 bytes at most";
    if (!printable(text))
        return "a name consists of printable ASCII characters";
    if (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return "a name is also that of a directory: no \"/\", \".\" or \"..\"";
    if (text[0] == ' ' || text[strlen(text) - 1] == ' ')
        return "a name has no blanks around it";
    return NULL;
}

const char *config_check_location(const char *text)
{
    return strlen(text) > 64 ? "a location has 64 bytes at most" : NULL;
}

/* PostgreSQL reads it, so PostgreSQL's units, where a bare number means milliseconds.
 */
const char *config_check_delay(const char *text)
{
    int64_t ms;

    return config_duration_parse(text, &ms)
               ? NULL
               : "a number with a unit of ms, s, min, h or d is expected";
}

/* pg_basebackup's "old=new", where "\=" is an equals sign in a path. */
const char *config_check_mapping(const char *text)
{
    const char *equals = text;

    do
        equals = strchr(equals + (equals != text), '=');
    while (equals != NULL && equals > text && equals[-1] == '\\');
    if (text[0] != '/' || equals == NULL || equals[1] != '/')
        return "two absolute paths as in \"/old=/new\" are expected";
    return NULL;
}

const char *config_check_event(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0'
               ? NULL
               : "names of events separated by commas are expected";
}

/* It is what `standby promote` runs: calling that again would never end. */
const char *config_check_promote_service(const char *text)
{
    return strstr(text, "standby promote") != NULL
               ? "it must not run \"standby promote\" again "
                 "(that is for \"promote_command\")"
               : NULL;
}

/* An issue at the place where the setting was set. */
static void issue_at(struct config *config,
                     const char *name,
                     enum config_severity severity,
                     const char *text)
{
    const struct config_origin *origin = &config->origins[config_table_find(name)];

    config_issue_add(&config->issues, severity, origin->file, origin->line, "%s", text);
}

/* A witness has no PostgreSQL. */
static bool is_required(const struct config *config, const struct config_row *row)
{
    return row->required && (config->type != CONFIG_NODE_WITNESS ||
                             strcmp(row->name, "data_directory") != 0);
}

static void check_required(struct config *config)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];
        char *text CLEANUP(cleanup_free) = config_value_format(config, row);

        if (!is_required(config, row))
            continue;
        if (config->origins[i].source == CONFIG_FROM_DEFAULT)
            config_issue_add(&config->issues, CONFIG_ERROR, NULL, 0,
                             "required setting \"%s\" was not found", row->name);
        else if (text[0] == '\0' && config->issues.n_errors == 0)
            config_issue_add(&config->issues, CONFIG_ERROR, config->origins[i].file,
                             config->origins[i].line, "\"%s\" must not be empty",
                             row->name);
    }
}

static void check_timing(struct config *config)
{
    char *shortest CLEANUP(cleanup_free) =
        config_duration_format(CONFIG_BEAT_MIN_MS * BEATS_PER_LEASE * 2);
    char *text CLEANUP(cleanup_free) = NULL;

    if (config_lease_ms(config) >= BEATS_PER_LEASE * config_beat_ms(config))
        return;
    text =
        xasprintf("\"reconnect_attempts\" times \"reconnect_interval\" is too short: "
                  "a lease would last less than %d beats (it must be %s at least)",
                  BEATS_PER_LEASE, shortest);
    issue_at(config, "reconnect_interval", CONFIG_ERROR, text);
}

static void check_thresholds(struct config *config)
{
    if (config->archive_ready_warning > config->archive_ready_critical)
        issue_at(config, "archive_ready_critical", CONFIG_ERROR,
                 "\"archive_ready_critical\" must not be less than "
                 "\"archive_ready_warning\"");
    if (config->replication_lag_warning_ms > config->replication_lag_critical_ms)
        issue_at(config, "replication_lag_critical", CONFIG_ERROR,
                 "\"replication_lag_critical\" must not be less than "
                 "\"replication_lag_warning\"");
}

/* True when the program that a command runs is called `name`. */
static bool runs(const char *command, const char *name)
{
    size_t len = strcspn(command, " \t");
    size_t n = strlen(name);

    return len >= n && strncmp(command + len - n, name, n) == 0 &&
           (len == n || command[len - n - 1] == '/');
}

/* A repmgr.conf is accepted, but its commands would change repmgr's cluster, not ours.
 */
static void check_commands(struct config *config)
{
    if (runs(config->promote_command, "repmgr"))
        issue_at(config, "promote_command", CONFIG_WARNING,
                 "\"promote_command\" runs repmgr: remove it to use what is built in");
    if (runs(config->follow_command, "repmgr"))
        issue_at(config, "follow_command", CONFIG_WARNING,
                 "\"follow_command\" runs repmgr: remove it to use what is built in");
}

/* What is left of "exactly one primary" is up to the network then. */
static void check_fencing(struct config *config)
{
    if (config->fencing == CONFIG_FENCING_OFF)
        issue_at(config, "fencing", CONFIG_WARNING,
                 "with \"fencing\" off, a primary that is cut off goes on accepting "
                 "writes while another one is elected: they are lost");
    if (config->primary_on_quorum_loss == CONFIG_QUORUM_LOSS_CONTINUE)
        issue_at(
            config, "primary_on_quorum_loss", CONFIG_WARNING,
            "with \"primary_on_quorum_loss\" continue, a primary without a majority "
            "goes on accepting writes: they are lost when another one is elected");
}

/* The path of the file that set a password, if everybody can read it. */
static void check_secrets(struct config_loader *loader)
{
    struct config *config = loader->config;
    const struct config_origin *origin =
        &config->origins[config_table_find("conninfo")];

    if (origin->source != CONFIG_FROM_FILE || !conninfo_has_secret(config->conninfo))
        return;
    for (size_t i = 0; i < loader->n_seen; i++)
        if (strcmp(loader->seen[i].path, origin->file) == 0 &&
            (loader->seen[i].mode & S_IROTH) != 0) {
            issue_at(config, "conninfo", CONFIG_WARNING,
                     "the file holds a password and every user can read it: "
                     "make it readable for its owner only, or use a password file");
            return;
        }
}

/* What a PostgreSQL here would need: whoever sets it means another type of node. */
static void check_witness(struct config *config)
{
    char *host CLEANUP(cleanup_free) = conninfo_get(config->conninfo, "host");

    if (config->type != CONFIG_NODE_WITNESS)
        return;
    if (config->data_directory[0] != '\0')
        issue_at(config, "data_directory", CONFIG_ERROR,
                 "a witness has no \"data_directory\": remove it, or \"type\"");
    if (host != NULL && strchr(host, ',') == NULL)
        issue_at(config, "conninfo", CONFIG_WARNING,
                 "the \"conninfo\" of a witness names one host only: name all data "
                 "nodes, as in \"host=node1,node2\"");
}

static void check_conninfo(struct config *config)
{
    static const char *const wanted[] = {"host", "hostaddr", "service"};

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char *value CLEANUP(cleanup_free) = conninfo_get(config->conninfo, wanted[i]);

        if (value != NULL)
            return;
    }
    issue_at(config, "conninfo", CONFIG_WARNING,
             "\"conninfo\" names no host, but the other nodes connect with it too");
}

void config_check(struct config_loader *loader, bool required)
{
    struct config *config = loader->config;

    if (required)
        check_required(config);
    if (config->issues.n_errors > 0)
        return; /* what follows looks at values that may be missing */
    check_timing(config);
    check_thresholds(config);
    check_commands(config);
    check_fencing(config);
    check_secrets(loader);
    if (required) {
        check_conninfo(config);
        check_witness(config);
    }
}
