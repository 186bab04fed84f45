/* config_show.c - the settings as data for `pgrmon config show`. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_private.h"
#include "conninfo.h"

size_t config_setting_count(void)
{
    return config_table_size;
}

const char *config_setting_name(size_t i)
{
    return config_table[i].name;
}

const char *config_setting_section(size_t i)
{
    return config_table[i].section;
}

bool config_setting_reloadable(size_t i)
{
    return config_table[i].reloadable;
}

char *config_setting_value(const struct config *config, size_t i)
{
    const struct config_row *row = &config_table[i];
    char *text CLEANUP(cleanup_free) = config_value_format(config, row);

    /* Commands and options may hold a password as well. */
    return conninfo_redact(text);
}

char *config_setting_origin(const struct config *config, size_t i)
{
    const struct config_origin *origin = &config->origins[i];
    char *text;

    switch (origin->source) {
    case CONFIG_FROM_DEFAULT:
        return xstrdup("default");
    case CONFIG_FROM_FILE:
        return xasprintf("%s:%d", origin->file, origin->line);
    case CONFIG_FROM_COMMAND_LINE:
        return xstrdup("command line");
    case CONFIG_FROM_ENVIRONMENT:
        text = xasprintf("environment variable PGRMON_%s", config_table[i].name);
        for (char *p = strrchr(text, ' '); *p != '\0'; p++)
            *p = (char)toupper((unsigned char)*p);
        return text;
    }
    abort();
}

static const char *word(const struct config_word *words, int value)
{
    for (; words->word != NULL; words++)
        if (words->value == value)
            return words->word;
    abort();
}

const char *config_failover_name(enum config_failover value)
{
    return word(config_failover_words, (int)value);
}

const char *config_connection_check_name(enum config_connection_check value)
{
    return word(config_check_words, (int)value);
}

const char *config_quorum_name(enum config_quorum value)
{
    return word(config_quorum_words, (int)value);
}
