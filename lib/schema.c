/* schema.c - finding the way from one version of the schema to another. */
#include "schema.h"

#include <stddef.h>

#include "queries.h"

const char *schema_create_text(void)
{
    return sql_create;
}

const struct sql_upgrade *
schema_upgrades_in(const struct sql_upgrade *list, int from, int to)
{
    const struct sql_upgrade *first = NULL;

    for (; list->text != NULL; list++) {
        if (list->from != from)
            continue;
        if (first == NULL)
            first = list;
        from = list->to;
    }
    if (from != to)
        return NULL;
    return first != NULL ? first : list;
}

const struct sql_upgrade *schema_upgrades(int from)
{
    return schema_upgrades_in(sql_upgrades, from, QUERY_SCHEMA_VERSION);
}
