/* cmd_config_check.c - `config check`: is the configuration right? main.c loads it and
 * tells what is wrong; what remains is to say that it is right. */
#include <stdio.h>

#include "cmd.h"

static int run(struct cmd_context *context, struct err *err)
{
    const struct config *config = &context->config;
    size_t n_warnings = 0;

    (void)err;
    for (size_t i = 0; i < config->issues.n; i++)
        n_warnings += config->issues.items[i].severity == CONFIG_WARNING;
    if (config->file[0] != '\0')
        (void)printf("configuration file \"%s\" is valid", config->file);
    else
        (void)printf("the configuration from the environment is valid");
    if (n_warnings > 0)
        (void)printf(" (%zu warning%s)", n_warnings, n_warnings > 1 ? "s" : "");
    (void)printf("\n");
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_config_check = {
    .object = "config",
    .action = "check",
    .summary = "check the configuration",
    .details =
        "Reads the file and the environment as the daemon does, prints all errors at\n"
        "once, and exits with 0 or 1. Nothing is contacted.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf config check",
    .options = 0,
    .need = CMD_NEED_CONFIG,
    .run = run,
};
