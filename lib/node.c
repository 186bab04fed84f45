/* node.c - node records. */
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nodeset_free(struct nodeset *set)
{
    for (int i = 0; i < set->n; i++) {
        free(set->v[i].conninfo);
        free(set->v[i].config_file);
    }
    *set = (struct nodeset)NODESET_INIT;
}

const struct node_record *nodeset_find(const struct nodeset *set, int id)
{
    for (int i = 0; i < set->n; i++) {
        if (set->v[i].id == id)
            return &set->v[i];
    }
    return NULL;
}

const struct node_record *nodeset_find_name(const struct nodeset *set, const char *name)
{
    for (int i = 0; i < set->n; i++) {
        if (strcmp(set->v[i].name, name) == 0)
            return &set->v[i];
    }
    return NULL;
}

const struct node_record *nodeset_primary(const struct nodeset *set)
{
    for (int i = 0; i < set->n; i++) {
        if (set->v[i].role == CORE_ROLE_PRIMARY && set->v[i].active)
            return &set->v[i];
    }
    return NULL;
}

struct core_member node_member(const struct node_record *record)
{
    struct core_member member = {
        .id = record->id,
        .role = record->role,
        .upstream_id = record->upstream_id,
        .priority = record->priority,
        .active = record->active,
        .voting = record->voting,
    };

    (void)memcpy(member.name, record->name, sizeof member.name);
    return member;
}

const char *node_role_name(enum core_role role)
{
    switch (role) {
    case CORE_ROLE_PRIMARY:
        return "primary";
    case CORE_ROLE_STANDBY:
        return "standby";
    case CORE_ROLE_WITNESS:
        return "witness";
    case CORE_ROLE_UNKNOWN:
        break;
    }
    return "unknown";
}

enum core_role node_role_parse(const char *text)
{
    static const enum core_role roles[] = {
        CORE_ROLE_PRIMARY,
        CORE_ROLE_STANDBY,
        CORE_ROLE_WITNESS,
    };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(text, node_role_name(roles[i])) == 0)
            return roles[i];
    }
    return CORE_ROLE_UNKNOWN;
}
