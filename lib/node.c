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

void nodeset_copy(struct nodeset *to, const struct nodeset *from)
{
    *to = *from;
    for (int i = 0; i < from->n; i++) {
        to->v[i].conninfo = xstrdup(from->v[i].conninfo);
        to->v[i].config_file = xstrdup(from->v[i].config_file);
    }
}

static bool is_same(const struct node_record *a, const struct node_record *b)
{
    return a->id == b->id && strcmp(a->name, b->name) == 0 && a->role == b->role &&
           a->upstream_id == b->upstream_id && a->active == b->active &&
           a->voting == b->voting && strcmp(a->location, b->location) == 0 &&
           a->priority == b->priority && strcmp(a->conninfo, b->conninfo) == 0 &&
           strcmp(a->repluser, b->repluser) == 0 &&
           strcmp(a->slot_name, b->slot_name) == 0 &&
           strcmp(a->config_file, b->config_file) == 0;
}

bool nodeset_is_same(const struct nodeset *a, const struct nodeset *b)
{
    if (a->n != b->n || a->version != b->version)
        return false;
    for (int i = 0; i < a->n; i++)
        if (!is_same(&a->v[i], &b->v[i]))
            return false;
    return true;
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
