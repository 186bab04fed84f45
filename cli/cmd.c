/* cmd.c - the table of commands and how a typed name finds its row. */
#include "cmd.h"

#include <stddef.h>
#include <strings.h>

const struct cmd *const cmd_table[] = {
#define CMD_ROW(name) &cmd_##name,
    CMD_LIST(CMD_ROW)
#undef CMD_ROW
        NULL,
};

const char *cmd_object_name(const char *typed)
{
    if (strcasecmp(typed, "master") == 0)
        typed = "primary";
    if (strcasecmp(typed, "daemon") == 0)
        typed = "service";
    for (const struct cmd *const *row = cmd_table; *row != NULL; row++)
        if (strcasecmp(typed, (*row)->object) == 0)
            return (*row)->object;
    return NULL;
}

static const struct cmd *find_exactly(const char *object, const char *action)
{
    for (const struct cmd *const *row = cmd_table; *row != NULL; row++)
        if (strcasecmp(object, (*row)->object) == 0 &&
            strcasecmp(action, (*row)->action) == 0)
            return *row;
    return NULL;
}

const struct cmd *cmd_find(const char *object, const char *action)
{
    const char *name = cmd_object_name(object);
    const struct cmd *found;

    if (name == NULL)
        return NULL;
    if (strcasecmp(action, "events") == 0)
        action = "event";
    found = find_exactly(name, action);
    if (found != NULL)
        return found;
    if (strcasecmp(name, "primary") == 0 || strcasecmp(name, "standby") == 0)
        if (strcasecmp(action, "status") == 0 || strcasecmp(action, "check") == 0)
            return find_exactly("node", action);
    return NULL;
}

unsigned cmd_option_bits(const struct cmd *cmd)
{
    unsigned bits = cmd->options;

    if (cmd->need == CMD_NEED_CONFIG_OR_CONN || (bits & CMD_OPT_CLONE) != 0)
        bits |= CMD_OPT_CONN;
    return bits;
}

const char *cmd_conninfo(const struct cmd_context *context)
{
    return context->source_conninfo != NULL ? context->source_conninfo
                                            : context->config.conninfo;
}
