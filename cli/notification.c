/* notification.c - running event_notification_command; see lib/command.h. */
#include "notification.h"

#include <stdio.h>

#include "child.h"
#include "cleanup.h"
#include "command.h"
#include "log.h"

static void log_line(void *arg, const char *line)
{
    (void)arg;
    log_info("%s", line);
}

static void run_command(const struct config *config, const struct command *command)
{
    const char *const argv[] = {"/bin/sh", "-c", command->shell, NULL};
    struct child_options options = {
        .argv = argv,
        .environment = (const char *const *)command->env,
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
    const struct command_event happened = {
        .node_id = node_id,
        .event = event,
        .successful = successful,
        .timestamp = timestamp,
        .details = details,
    };
    struct command command CLEANUP(command_deinit) = COMMAND_NULL;
    struct err err = ERR_INIT;
    int r = command_for_event(&context->config, &happened, &command, &err);

    if (r < 0)
        log_err(LOG_LEVEL_WARNING, &err);
    else if (r == 0)
        run_command(&context->config, &command);
}
