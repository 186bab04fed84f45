/* notification.c - running event_notification_command; see lib/placeholder.h. */
#include "notification.h"

#include <stdio.h>
#include <stdlib.h>

#include "child.h"
#include "cleanup.h"
#include "log.h"
#include "placeholder.h"

static void log_line(void *arg, const char *line)
{
    (void)arg;
    log_info("%s", line);
}

static void
run_shell(const struct config *config, const char *command, char **environment)
{
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct child_options options = {
        .argv = argv,
        .environment = (const char *const *)environment,
        .pass_fd = -1,
        .timeout_ms = config->event_notification_timeout_ms,
        .on_line = log_line,
    };
    struct child_result result;
    struct err err = ERR_INIT;
    char why[80];

    if (child_run(&options, &result, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err);
    else if (!child_succeeded(&result))
        log_warning("\"event_notification_command\" failed: %s",
                    child_describe(&result, why, sizeof why));
}

void notification_run(const struct cmd_context *context,
                      int node_id,
                      const char *event,
                      bool successful,
                      const char *timestamp,
                      const char *details)
{
    const struct config *config = &context->config;
    bool own = node_id == config->node_id;
    char id[16];
    const struct placeholder values[] = {
        {'n', "PGRMON_EVENT_NODE_ID",    id                          },
        {'a', "PGRMON_EVENT_NODE_NAME",  own ? config->node_name : ""},
        {'e', "PGRMON_EVENT",            event                       },
        {'s', "PGRMON_EVENT_SUCCESSFUL", successful ? "1" : "0"      },
        {'t', "PGRMON_EVENT_TIMESTAMP",  timestamp                   },
        {'d', "PGRMON_EVENT_DETAILS",    details                     },
        {'c', "PGRMON_EVENT_CONNINFO",   own ? config->conninfo : "" },
        {'p', "PGRMON_EVENT_FORMER_ID",  ""                          },
    };
    size_t n = sizeof values / sizeof values[0];
    char *command CLEANUP(cleanup_free) = NULL;
    struct err err = ERR_INIT;
    char **environment;

    if (config->event_notification_command[0] == '\0' ||
        !config_event_wanted(config, event))
        return;
    (void)snprintf(id, sizeof id, "%d", node_id);
    if (placeholder_expand(&command, config->event_notification_command, values, n,
                           &err) < 0) {
        log_err(LOG_LEVEL_WARNING, &err);
        return;
    }
    environment = placeholder_env(values, n);
    run_shell(config, command, environment);
    placeholder_env_free(environment);
}
