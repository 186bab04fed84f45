/* cmd_config_show.c - `config show`: every setting, its value and where it came from.
 */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "render.h"

static void print_table(const struct config *config)
{
    static const char *const names[] = {"Name", "Value", "Source", NULL};
    struct render_table *table = render_table_new(names, -1);

    for (size_t i = 0; i < config_setting_count(); i++) {
        char *value CLEANUP(cleanup_free) = config_setting_value(config, i);
        char *origin CLEANUP(cleanup_free) = config_setting_origin(config, i);
        const char *cells[] = {config_setting_name(i), value, origin};

        (void)render_table_add(table, cells, -1,
                               strcmp(origin, "default") != 0 ? "bold" : NULL);
    }
    render_table_print(table, stdout, render_wants_color(stdout));
    render_table_free(table);
}

/* { "file": path | null, "settings": [ { "name", "value" (text) | null, "source",
 * "section", "reloadable" } ] } */
static void print_json(const struct config *config)
{
    json_t *settings = json_array();

    for (size_t i = 0; i < config_setting_count(); i++) {
        char *value CLEANUP(cleanup_free) = config_setting_value(config, i);
        char *origin CLEANUP(cleanup_free) = config_setting_origin(config, i);
        json_t *setting = json_pack(
            "{s:s, s:o, s:s, s:s, s:b}", "name", config_setting_name(i), "value",
            render_json_text(value), "source", origin, "section",
            config_setting_section(i), "reloadable", (int)config_setting_reloadable(i));

        if (json_array_append_new(settings, setting) != 0)
            err_out_of_memory();
    }
    render_json_print(json_pack("{s:o, s:o}", "file", render_json_text(config->file),
                                "settings", settings),
                      stdout);
}

static int run(struct cmd_context *context, struct err *err)
{
    (void)err;
    if (context->line.json)
        print_json(&context->config);
    else
        print_table(&context->config);
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_config_show = {
    .object = "config",
    .action = "show",
    .summary = "show every setting and where its value came from",
    .details = "Defaults, then the file, then PGRMON_<NAME> in the environment; the "
               "last wins.\n"
               "Passwords are not shown.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf config show\n"
                "PGRMON_PRIORITY=50 pgrmon config show --json",
    .options = CMD_OPT_JSON,
    .need = CMD_NEED_CONFIG,
    .run = run,
};
