/* admission.c - the first state file of a node. */
#include "admission.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "queries.h"
#include "state.h"

/* What stands in the state directory: 0, a condition of state_load(), or -errno. */
static int
look(const struct config *config, uint64_t system_identifier, struct err *err)
{
    struct state state CLEANUP(state_free) = STATE_INIT;

    return state_load(config->state_directory, config->node_id, system_identifier,
                      &state, err);
}

void admission_check(const struct cmd_context *context,
                     uint64_t system_identifier,
                     struct precheck *list)
{
    const struct config *config = &context->config;
    struct err err = ERR_INIT;
    int r =
        context->line.dry_run ? 0 : state_make_directory(config->state_directory, &err);

    if (r < 0) {
        precheck_fail_err(list, EXIT_CODE_BAD_CONFIG, &err);
        precheck_hint(
            list,
            "make its parent directory writable for this user: \"sudo install "
            "-d -o $(id -un) %s\", or set \"state_directory\"",
            config->state_directory);
        return;
    }
    r = look(config, system_identifier, &err);
    if (r == 0 || r == STATE_E_MISSING) {
        precheck_add(list, PRECHECK_OK, "state directory \"%s\" can be used",
                     config->state_directory);
        return;
    }
    precheck_fail_unless(list, context->line.force, EXIT_CODE_BAD_CONFIG, "%s",
                         err.text);
    if (err.detail[0] != '\0')
        precheck_detail(list, "%s", err.detail);
    precheck_hint(list,
                  "\"--force\" sets the file aside and gives this node a new one");
}

static int set_aside(const struct config *config, struct err *err)
{
    char *from CLEANUP(cleanup_free) =
        xasprintf("%s/%s", config->state_directory, STATE_FILE_NAME);
    char *to CLEANUP(cleanup_free) =
        xasprintf("%s/%s.set-aside", config->state_directory, STATE_FILE_NAME);

    if (rename(from, to) < 0 && errno != ENOENT) {
        int code = -errno;

        return err_set(err, code, "could not rename \"%s\": %s", from, strerror(errno));
    }
    return 0;
}

/* What the newest row of pgrmon.term says. */
static int
read_term(PGconn *primary, int64_t *ret_term, int *ret_leader, struct err *err)
{
    const char *params[] = {"1"};
    PGresult *res CLEANUP(query_clear) = query_run(primary, &query_terms, params, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    *ret_term = 0;
    *ret_leader = 0;
    if (PQntuples(res) > 0) {
        *ret_term = strtoll(query_text(res, 0, 0), NULL, 10);
        *ret_leader = atoi(query_text(res, 0, 1));
    }
    return EXIT_CODE_SUCCESS;
}

static struct core_durable
first_promise(enum core_role role, bool again, int self_id, int64_t term, int leader_id)
{
    struct core_durable durable = {.incarnation = 1, .copies = CORE_COPIES_UNKNOWN};

    if (role == CORE_ROLE_PRIMARY) {
        durable.term = term;
        durable.leader_id = self_id;
        durable.duty = again ? CORE_DUTY_RESIGNED : CORE_DUTY_LEADING;
        durable.lead_term = again ? 0 : term;
    } else if (again) {
        durable.incarnation = 2;
        durable.term = term;
        durable.leader_id = leader_id;
    }
    return durable;
}

int admission_write(const struct cmd_context *context,
                    PGconn *primary,
                    enum core_role role,
                    uint64_t system_identifier,
                    bool again,
                    struct err *err)
{
    const struct config *config = &context->config;
    struct state state = {.node_id = config->node_id,
                          .system_identifier = system_identifier};
    struct err ignored = ERR_INIT;
    int64_t term;
    int leader_id, r = look(config, system_identifier, &ignored);

    if (r == 0)
        return EXIT_CODE_SUCCESS;
    r = read_term(primary, &term, &leader_id, err);
    if (r != EXIT_CODE_SUCCESS)
        return r;
    state.durable = first_promise(role, again, config->node_id, term, leader_id);
    r = set_aside(config, err);
    if (r == 0)
        r = state_create(config->state_directory, &state, err);
    if (r < 0) {
        err_prefix(err, "the node is registered, but has no state file");
        err_hint(err, "mend that, then register it again with \"--force\"");
        return EXIT_CODE_BAD_CONFIG;
    }
    if (again)
        log_notice("this node was given a new state file: restart pgrmond");
    return EXIT_CODE_SUCCESS;
}
