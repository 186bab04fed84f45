/* fuzz_config.c - any bytes as a configuration file: nothing breaks, nothing arrives
 * cut. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken can be written down and read again. */
static void check_values(const struct config *config)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];
        char *text CLEANUP(cleanup_free) = config_value_format(config, row);
        char *shown CLEANUP(cleanup_free) = config_setting_value(config, i);
        char *origin CLEANUP(cleanup_free) = config_setting_origin(config, i);

        if (config_text_check(text, strlen(text)) != NULL || shown == NULL ||
            origin == NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config_loader loader = {.config = &config, .depth = CONFIG_INCLUDE_DEPTH};

    config_init(&config);
    config_parse_buffer(&loader, "fuzz.conf", (const char *)data, size);
    config_check(&loader, true);
    check_values(&config);
    for (size_t i = 0; i < config.issues.n; i++) {
        char *text CLEANUP(cleanup_free) = config_issue_text(&config.issues.items[i]);

        if (strncmp(text, "fuzz.conf", 9) == 0 && config.issues.items[i].line < 1)
            abort();
    }
    config_loader_deinit(&loader);
    config_free(&config);
    return 0;
}
