/* members.c - who belongs to the cluster: the node table, read from own PostgreSQL.
 *
 * A standby's copy arrives by replication; when there is none yet, or own PostgreSQL is
 * down, what was read last stays valid. */
#include <string.h>

#include "daemon.h"
#include "err.h"
#include "log.h"
#include "probe.h"
#include "queries.h"

const char *members_conninfo(const struct daemon *daemon, int node_id)
{
    const struct node_record *record;

    if (node_id == daemon->config.node_id)
        return daemon->config.conninfo;
    record = nodeset_find(&daemon->nodes, node_id);
    return record == NULL ? NULL : record->conninfo;
}

void members_retarget(struct daemon *daemon)
{
    link_target(daemon->primary, members_conninfo(daemon, daemon->core.primary_id));
}

/* Give the core its share of the records. */
static void feed(struct daemon *daemon)
{
    struct core_member members[CORE_MAX_NODES];
    struct core_event event = {.kind = CORE_EV_MEMBERS};

    for (int i = 0; i < daemon->nodes.n; i++)
        members[i] = node_member(&daemon->nodes.v[i]);
    event.members.v = members;
    event.members.n = daemon->nodes.n;
    daemon_feed(daemon, &event);
}

/* Our own record should say what our configuration says; drift surprises at the worst
 * moment, so it is said, once for each change. */
static void warn_of_drift(const struct daemon *daemon, const struct nodeset *old)
{
    const struct node_record *now =
        nodeset_find(&daemon->nodes, daemon->config.node_id);
    const struct node_record *before = nodeset_find(old, daemon->config.node_id);
    const char *what = NULL;

    if (now == NULL)
        return;
    if (strcmp(now->conninfo, daemon->config.conninfo) != 0)
        what = "conninfo";
    else if (now->priority != daemon->config.priority)
        what = "priority";
    else if (strcmp(now->name, daemon->config.node_name) != 0)
        what = "node_name";
    if (what == NULL || (before != NULL && before->priority == now->priority &&
                         strcmp(before->conninfo, now->conninfo) == 0 &&
                         strcmp(before->name, now->name) == 0))
        return;
    log_warning("\"%s\" differs between the configuration and the node's record", what);
    log_hint(LOG_LEVEL_WARNING, "register again with \"pgrmon %s register --force\"",
             node_role_name(now->role));
}

/* Nodes that were unregistered are not asked any more. */
static void drop_probes(struct daemon *daemon)
{
    int kept = 0;

    for (int i = 0; i < daemon->n_probes; i++) {
        struct probe *probe = daemon->probes[i];

        if (members_conninfo(daemon, probe_node_id(probe)) == NULL) {
            probe_free(probe);
            continue;
        }
        probe_refresh(probe);
        daemon->probes[kept++] = probe;
    }
    daemon->n_probes = kept;
}

static void on_nodes(void *arg, const struct pgconn_answer *answer)
{
    struct daemon *daemon = arg;
    struct nodeset old = daemon->nodes;
    struct nodeset fresh = NODESET_INIT;
    struct err err = ERR_INIT;

    if (answer->reach != REACH_OK) {
        log_debug("cannot read the node table: %s", answer->message);
        return;
    }
    if (query_decode_nodes(answer->result, &fresh, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        return;
    }
    daemon->nodes = fresh;
    warn_of_drift(daemon, &old);
    nodeset_free(&old);
    drop_probes(daemon);
    feed(daemon);
    members_retarget(daemon);
}

void members_read(struct daemon *daemon)
{
    const struct link_job job = {.query = &query_nodes, .cb = on_nodes, .arg = daemon};

    link_submit(daemon->local, &job);
}
