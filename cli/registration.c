/* registration.c - see registration.h. */
#include "registration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "queries.h"
#include "replication.h"

const char *registration_label(const struct node_record *record,
                               char buf[static REGISTRATION_LABEL_SIZE])
{
    (void)snprintf(buf, REGISTRATION_LABEL_SIZE, "node \"%s\" (ID: %d)", record->name,
                   record->id);
    return buf;
}

const char *registration_self_label(const struct config *config,
                                    char buf[static REGISTRATION_LABEL_SIZE])
{
    (void)snprintf(buf, REGISTRATION_LABEL_SIZE, "node \"%.63s\" (ID: %d)",
                   config->node_name, config->node_id);
    return buf;
}

int registration_need_config(const struct cmd_context *context, struct err *err)
{
    if (context->has_config)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "this command needs the configuration of this node");
    err_detail(err, "no configuration file could be loaded");
    err_hint(err,
             "name it with \"-f FILE\"; \"pgrmon config check -f FILE\" tells what is "
             "wrong with it");
    return EXIT_CODE_BAD_CONFIG;
}

static const char *config_name(const struct config *config)
{
    return config->file[0] != '\0' ? config->file : "the environment";
}

static void check_id(const struct cmd_context *context,
                     const struct node_record *found,
                     const char *command,
                     struct precheck *list)
{
    const struct config *config = &context->config;
    bool own = strcmp(found->name, config->node_name) == 0;
    char label[REGISTRATION_LABEL_SIZE];

    (void)registration_label(found, label);
    if (!own) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "node id %d is already used by node \"%s\"", found->id,
                      found->name);
        precheck_detail(list, "this node is \"%s\" by its settings", config->node_name);
        precheck_hint(list,
                      "choose another \"node_id\" in %s, or execute \"pgrmon %s "
                      "unregister --node-id=%d\" first",
                      config_name(config), node_role_name(found->role), found->id);
        return;
    }
    if (context->line.force) {
        precheck_add(list, PRECHECK_NOTICE, "the record of %s will be overwritten",
                     label);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is already registered", label);
    precheck_detail(list, "it is registered as %s%s", node_role_name(found->role),
                    found->active ? "" : ", inactive");
    precheck_hint(list, "execute \"pgrmon %s --force\" to overwrite its record",
                  command);
}

void registration_check_duplicates(const struct cmd_context *context,
                                   const struct nodeset *set,
                                   const char *command,
                                   struct precheck *list)
{
    const struct config *config = &context->config;
    const struct node_record *by_id = nodeset_find(set, config->node_id);
    const struct node_record *by_name = nodeset_find_name(set, config->node_name);

    if (by_id != NULL)
        check_id(context, by_id, command, list);
    if (by_name != NULL && by_name->id != config->node_id) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "node name \"%s\" is already used by the node with ID %d",
                      config->node_name, by_name->id);
        precheck_detail(list, "this node has ID %d by its settings", config->node_id);
        precheck_hint(list, "choose another \"node_name\" in %s", config_name(config));
    }
    if (by_id == NULL && by_name == NULL)
        precheck_add(list, PRECHECK_OK, "node id %d and node name \"%s\" are free",
                     config->node_id, config->node_name);
}

void registration_check_secret(const struct config *config, struct precheck *list)
{
    if (!conninfo_has_secret(config->conninfo))
        return;
    precheck_add(list, PRECHECK_WARN,
                 "\"conninfo\" holds a password, which the metadata will store");
    precheck_detail(list, "whoever may read table pgrmon.node can read it");
    precheck_hint(list, "put it into a password file (~/.pgpass) instead");
}

/* The other hosts cannot resolve a relative path. */
static char *absolute_config_file(const struct config *config)
{
    char *path;

    if (config->file[0] == '\0')
        return xstrdup("");
    path = realpath(config->file, NULL);
    return path != NULL ? path : xstrdup(config->file);
}

struct change {
    const struct nodeset *set;
    const struct query *query;
    const char *const *params;
};

/* The row stays locked until the end of the transaction: of two commands that have both
 * checked one membership, the second is refused. */
static int change_statements(PGconn *primary, void *arg, struct err *err)
{
    const struct change *change = arg;
    PGresult *locked CLEANUP(query_clear) =
        query_run(primary, &query_membership_lock, NULL, err);
    PGresult *res CLEANUP(query_clear) = NULL;

    if (locked == NULL)
        return EXIT_CODE_DB_QUERY;
    if (change->set->n > 0 && query_int64(locked, 0, 0, 0) != change->set->version) {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                      "somebody else has changed who votes meanwhile");
        err_detail(err, "the membership has version %s now, %" PRId64 " was checked",
                   query_text(locked, 0, 0), change->set->version);
        err_hint(err, "see \"pgrmon cluster show\", and execute the command again");
        return EXIT_CODE_BAD_CONFIG;
    }
    res = query_run(primary, change->query, change->params, err);
    return res == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

int registration_change(PGconn *primary,
                        const struct nodeset *set,
                        const struct query *query,
                        const char *const *params,
                        struct err *err)
{
    struct change change = {set, query, params};

    if (PQtransactionStatus(primary) == PQTRANS_INTRANS)
        return change_statements(primary, &change, err);
    return registration_transaction(primary, change_statements, &change, err);
}

int registration_write(PGconn *primary,
                       const struct nodeset *set,
                       const struct config *config,
                       enum core_role role,
                       int upstream_id,
                       struct err *err)
{
    char *file CLEANUP(cleanup_free) = absolute_config_file(config);
    char *user CLEANUP(cleanup_free) = conninfo_get(config->conninfo, "user");
    char id[16], upstream[16], priority[16], slot[REPLICATION_SLOT_NAME_SIZE];
    const char *repluser =
        config->replication_user[0] != '\0' ? config->replication_user : user;
    bool data = role != CORE_ROLE_WITNESS;
    const char *params[] = {
        id,
        config->node_name,
        node_role_name(role),
        upstream,
        "true",
        "true",
        config->location,
        priority,
        data ? config->conninfo : "",
        data && repluser != NULL ? repluser : "",
        data && config->use_replication_slots
            ? replication_slot_name(config->node_id, slot)
            : NULL,
        file,
    };
    int code;

    (void)snprintf(id, sizeof id, "%d", config->node_id);
    (void)snprintf(upstream, sizeof upstream, "%d", upstream_id);
    (void)snprintf(priority, sizeof priority, "%d", data ? config->priority : 0);
    code = registration_change(primary, set, &query_node_upsert, params, err);
    if (code != EXIT_CODE_SUCCESS)
        err_prefix(err, "could not write the node record");
    return code;
}

int registration_delete(PGconn *primary,
                        const struct nodeset *set,
                        int node_id,
                        struct err *err)
{
    char id[16];
    const char *params[] = {id};
    int code;

    (void)snprintf(id, sizeof id, "%d", node_id);
    code = registration_change(primary, set, &query_node_delete, params, err);
    if (code != EXIT_CODE_SUCCESS)
        err_prefix(err, "could not delete the node record");
    return code;
}

const struct node_record *registration_target(const struct cmd_context *context,
                                              const struct nodeset *set,
                                              struct err *err)
{
    const struct cmd_line *line = &context->line;
    const struct node_record *found;
    int id = line->node_id != 0 ? line->node_id : context->config.node_id;

    if (line->node_name != NULL) {
        found = nodeset_find_name(set, line->node_name);
        if (found == NULL)
            (void)err_set(err, EXIT_CODE_BAD_CONFIG, "no node \"%s\" is registered",
                          line->node_name);
    } else if (id == 0) {
        found = NULL;
        (void)err_set(err, EXIT_CODE_BAD_CONFIG, "which node is meant is not known");
        err_hint(err, "name it with \"--node-id=ID\" or \"--node-name=NAME\"");
        return NULL;
    } else {
        found = nodeset_find(set, id);
        if (found == NULL)
            (void)err_set(err, EXIT_CODE_BAD_CONFIG, "no node with ID %d is registered",
                          id);
    }
    if (found == NULL)
        err_hint(err, "see \"pgrmon cluster show\" for the registered nodes");
    return found;
}

void registration_check_downstreams(const struct nodeset *set,
                                    const struct node_record *record,
                                    struct precheck *list)
{
    char *names CLEANUP(cleanup_free) = xstrdup("");
    char label[REGISTRATION_LABEL_SIZE];
    int n = 0;

    for (int i = 0; i < set->n; i++) {
        char *more;

        if (set->v[i].upstream_id != record->id)
            continue;
        more = xasprintf("%s%s%s", names, n++ > 0 ? "\n" : "",
                         registration_label(&set->v[i], label));
        free(names);
        names = more;
    }
    if (n == 0)
        return;
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "%d other node%s registered as following %s", n,
                  n == 1 ? " is" : "s are", registration_label(record, label));
    precheck_detail(list, "%s", names);
    precheck_hint(list,
                  "let each follow another node with \"pgrmon standby follow\", or "
                  "unregister it with \"pgrmon standby unregister --node-id=ID\"");
}

int registration_transaction(PGconn *conn,
                             int (*statements)(PGconn *, void *, struct err *),
                             void *arg,
                             struct err *err)
{
    int code;

    if (query_exec(conn, "BEGIN", err) != 0)
        return EXIT_CODE_DB_QUERY;
    code = statements(conn, arg, err);
    if (code == EXIT_CODE_SUCCESS && query_exec(conn, "COMMIT", err) != 0)
        code = EXIT_CODE_DB_QUERY;
    if (code != EXIT_CODE_SUCCESS)
        (void)!query_exec(conn, "ROLLBACK", NULL);
    return code;
}
