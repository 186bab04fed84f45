/* node_view.h - all that `node status` and `node check` know: the local server's facts,
 * its record, and what its upstream and the primary answer. Read once, judged elsewhere
 * (node_check.c, node_status.c), so that the judging can be tested without a server. */
#ifndef PGRMON_NODE_VIEW_H
#define PGRMON_NODE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "gather.h"
#include "lsn.h"
#include "node.h"

struct node_slot {
    char name[CORE_NAME_SIZE];
    bool physical;
    bool active;
};

struct node_view {
    struct nodeset set;
    const struct node_record *self;
    const struct node_record *upstream; /* as registered; NULL = none */
    struct gathered self_answer;
    struct gathered upstream_answer; /* reach UNKNOWN when there is no upstream */
    struct gathered primary_answer;  /* of the registered primary, likewise */

    /* the local server; texts are "" where the role may not look */
    char version[64];
    char size[32];
    char data_directory[1024];
    char system_identifier[24];
    bool in_recovery;
    bool replay_paused;
    int timeline;
    struct lsn received; /* standby: end of what it has; primary: end of its WAL */
    struct lsn replayed; /* standby only */
    int64_t lag_ms;      /* age of the last replayed transaction, 0 when all that was
                            received is replayed; -1 = unknown */
    char archive_mode[16];
    char archive_command[1024];
    int64_t archive_ready; /* files that wait; -1 = unknown */
    bool archive_failing;  /* the last attempt failed */
    int64_t max_wal_senders, wal_senders;
    int64_t max_slots;
    int64_t pending_restart; /* settings that wait for a restart */
    char receiver[300];      /* "host:port" that the receiver streams from, "" = none */
    int n_slots;
    struct node_slot *slots;
};

/* Read everything. Returns an exit code. Release with node_view_deinit() in any case.
 */
int node_view_read(struct cmd_context *context,
                   struct node_view *ret,
                   struct err *err) PGRMON_MUST_CHECK;
void node_view_deinit(struct node_view *view);

/* Bytes behind the primary; -1 when that cannot be known. */
int64_t node_view_lag_bytes(const struct node_view *view);

/* Slots of active downstream records that do not exist here. */
int node_view_missing_slots(const struct node_view *view);

/* True when `record` should be attached here, and when it is. */
bool node_view_is_downstream(const struct node_view *view,
                             const struct node_record *record);
bool node_view_is_attached(const struct node_view *view,
                           const struct node_record *record);

#endif
