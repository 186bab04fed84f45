/* members.c - who belongs to the cluster: the node table, read from own PostgreSQL; on
 * a witness from whichever data node of its conninfo lets us in.
 *
 * A standby's copy arrives by replication; when there is none yet, or own PostgreSQL is
 * down, what was read last stays valid. */
#include <string.h>

#include "daemon.h"
#include "durable.h"
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

void members_feed(struct daemon *daemon)
{
    struct core_member members[CORE_MAX_NODES];
    struct core_event event = {.kind = CORE_EV_MEMBERS};

    for (int i = 0; i < daemon->nodes.n; i++)
        members[i] = node_member(&daemon->nodes.v[i]);
    event.members.v = members;
    event.members.n = daemon->nodes.n;
    event.members.version = daemon->nodes.version;
    event.members.pause = daemon->nodes.pause;
    daemon_feed(daemon, &event);
}

/* The setting in which our record differs from our configuration, or NULL. */
static const char *drift(const struct daemon *daemon, const struct node_record *self)
{
    if (self == NULL)
        return NULL;
    if ((self->role == CORE_ROLE_WITNESS) !=
        (daemon->config.type == CONFIG_NODE_WITNESS))
        return "type";
    if (strcmp(self->name, daemon->config.node_name) != 0)
        return "node_name";
    if (strcmp(self->location, daemon->config.location) != 0)
        return "location";
    if (self->role == CORE_ROLE_WITNESS)
        return NULL; /* the rest is not recorded */
    if (strcmp(self->conninfo, daemon->config.conninfo) != 0)
        return "conninfo";
    if (self->priority != daemon->config.priority)
        return "priority";
    return NULL;
}

/* The record counts for the others: a difference would surprise at the worst moment. It
 * is said once. */
static void warn_of_drift(struct daemon *daemon)
{
    const struct node_record *self =
        nodeset_find(&daemon->nodes, daemon->config.node_id);
    const char *what = drift(daemon, self);

    if (what != NULL && daemon->drift != what) {
        log_warning("\"%s\" differs between the configuration and the node's record",
                    what);
        log_hint(
            LOG_LEVEL_WARNING,
            "the record counts; change it with \"pgrmon -f %s %s register --force\"",
            daemon->config.file, node_role_name(self->role));
    }
    daemon->drift = what;
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
    bool changed;

    if (answer->reach != REACH_OK) {
        log_debug("cannot read the node table: %s", answer->message);
        return;
    }
    if (query_decode_nodes(answer->result, &fresh, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        return;
    }
    if (!core_is_news(&daemon->core, fresh.version)) {
        log_debug("the node table here is older than what this node has confirmed");
        nodeset_free(&fresh);
        return;
    }
    changed = !nodeset_is_same(&fresh, &daemon->state.nodes);
    daemon->nodes = fresh;
    warn_of_drift(daemon);
    nodeset_free(&old);
    drop_probes(daemon);
    /* Before the core writes that this membership is confirmed (M1): its version must
     * not be in the file with the nodes of the former one. */
    if (changed)
        durable_save_nodes(daemon);
    members_feed(daemon);
    members_retarget(daemon);
}

void members_read(struct daemon *daemon)
{
    const struct link_job job = {.query = &query_nodes, .cb = on_nodes, .arg = daemon};

    link_submit(daemon->local, &job);
}
