/* command.c - which placeholder means what, for each kind of command. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "conninfo.h"
#include "placeholder.h"

static int expand(const char *text,
                  const struct placeholder *values,
                  struct command *ret,
                  struct err *err)
{
    int r = placeholder_expand(text, values, &ret->shell, err);

    if (r < 0)
        return r;
    ret->env = placeholder_env(values);
    return 0;
}

int command_for_event(const struct config *config,
                      const struct command_event *event,
                      struct command *ret,
                      struct err *err)
{
    char id[16], other[16] = "";
    char *conninfo CLEANUP(cleanup_free) =
        conninfo_redact(event->other_conninfo == NULL ? "" : event->other_conninfo);
    const struct placeholder values[] = {
        {'n',  id                           },
        {'a',  event->other_name            },
        {'c',  conninfo                     },
        {'p',  other                        },
        {'e',  event->event                 },
        {'s',  event->successful ? "1" : "0"},
        {'t',  event->timestamp             },
        {'d',  event->details               },
        {'\0', NULL                         }
    };

    if (config->event_notification_command[0] == '\0' ||
        !config_event_wanted(config, event->event))
        return 1;
    (void)snprintf(id, sizeof id, "%d", event->node_id);
    if (event->other_id != 0)
        (void)snprintf(other, sizeof other, "%d", event->other_id);
    return expand(config->event_notification_command, values, ret, err);
}

int command_for_node(const char *text,
                     int node_id,
                     const char *name,
                     const char *conninfo,
                     struct command *ret,
                     struct err *err)
{
    char id[16];
    char *shown CLEANUP(cleanup_free) = conninfo_redact(conninfo);
    const struct placeholder values[] = {
        {'n',  id   },
        {'a',  name },
        {'c',  shown},
        {'\0', NULL }
    };

    (void)snprintf(id, sizeof id, "%d", node_id);
    return expand(text, values, ret, err);
}

void command_deinit(struct command *command)
{
    free(command->shell);
    placeholder_env_free(command->env);
    *command = (struct command)COMMAND_NULL;
}
