/* node.h - node records as the metadata holds them (table pgrmon.node). */
#ifndef PGRMON_NODE_H
#define PGRMON_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "err.h"

/* One row. Strings are the set's own. */
struct node_record {
    int id;
    char name[CORE_NAME_SIZE];
    enum core_role role;
    int upstream_id; /* 0 = none */
    bool active;
    bool voting;
    char location[CORE_NAME_SIZE];
    int priority;
    char *conninfo;
    char repluser[CORE_NAME_SIZE];
    char slot_name[CORE_NAME_SIZE]; /* "" = none */
    char *config_file;
};

/* All nodes of a cluster, ordered by id. */
struct nodeset {
    int n;
    int64_t version;         /* of the membership (M1) */
    struct core_pause pause; /* as wished (M3) */
    struct node_record v[CORE_MAX_NODES];
};

#define NODESET_INIT                                                                   \
    {                                                                                  \
        0                                                                              \
    }

/* Release what the set owns; it is empty afterwards. Works as a cleanup attribute. */
void nodeset_free(struct nodeset *set);

/* Make `to`, which is empty, a copy of `from`. */
void nodeset_copy(struct nodeset *to, const struct nodeset *from);

/* True when both hold the same records. */
bool nodeset_is_same(const struct nodeset *a, const struct nodeset *b);

/* The record with `id` or `name`, or NULL. */
const struct node_record *nodeset_find(const struct nodeset *set, int id);
const struct node_record *nodeset_find_name(const struct nodeset *set,
                                            const char *name);

/* The record that is registered as the active primary, or NULL. */
const struct node_record *nodeset_primary(const struct nodeset *set);

/* The part of a record that the core decides upon. */
struct core_member node_member(const struct node_record *record);

/* "primary", "standby", "witness" and back (CORE_ROLE_UNKNOWN when it is none). */
const char *node_role_name(enum core_role role);
enum core_role node_role_parse(const char *text);

#endif
