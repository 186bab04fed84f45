/* rejoin_run.h - what `node rejoin` knows, and its steps.
 *
 *   rejoin_leader.c   whom to rejoin: who leads, and is not a leader of yesterday
 *   rejoin_gather.c   own data directory and server, the two lists of terms
 *   rejoin_server.c   starting own PostgreSQL cut off, stopping and starting it
 *   rejoin_keep.c     keeping WAL and configuration aside
 *   rejoin_rewind.c   pg_rewind under mark and brake
 *   rejoin_clone.c    a copy beside, and the exchange
 *   rejoin_finish.c   settings, start, waiting until it streams
 *
 * Which of them is needed lib/rejoin.c decides. */
#ifndef PGRMON_REJOIN_RUN_H
#define PGRMON_REJOIN_RUN_H

#include <libpq-fe.h>
#include <limits.h>

#include "cmd.h"
#include "gather.h"
#include "node.h"
#include "pgdata.h"
#include "precheck.h"
#include "registration.h"
#include "rejoin.h"
#include "rejoin_mark.h"
#include "replication.h"
#include "server.h"
#include "state.h"

struct rejoin {
    struct cmd_context *context;
    const char *directory;   /* data_directory */
    struct pgdata_info info; /* of it */
    bool marked;             /* a rewind broke off */
    struct rejoin_record record;
    bool has_record;

    /* own server */
    bool was_running;     /* when we came */
    char log[PATH_MAX];   /* its log; "" = not known */
    char *config_file;    /* Debian's; NULL = in the data directory */
    char *pg_ctl;         /* NULL = not there */
    PGconn *local;        /* session to it, cut off or not */
    char *private_socket; /* directory, while it runs cut off; NULL = it does not */

    /* who leads */
    struct nodeset set;
    struct gathered *answers; /* of set->n */
    const struct node_record *self, *leader;
    char label[REGISTRATION_LABEL_SIZE]; /* of the leader */
    int64_t term;
    PGconn *remote;
    struct server server;       /* the leader's */
    struct replication_end end; /* the leader's */
    char *history;              /* the leader's timeline history, NULL = timeline 1 */
    bool may_checkpoint;
    char slot[REPLICATION_SLOT_NAME_SIZE]; /* "" without slots */

    /* the promise of this node */
    struct state state;
    bool has_state;
    bool daemon_runs;

    /* deciding */
    struct termlist_row *own_rows, *leader_rows;
    struct rejoin_facts facts;
    struct rejoin_wish wish;
    struct rejoin_plan plan;
    struct lsn fork; /* where the leader left our timeline; LSN_UNKNOWN */

    /* acting */
    int lock_fd, state_fd; /* -1 = not held */
    bool acting;           /* something is done: the outcome becomes an event */
    bool slot_created;     /* by us, on the leader */
    bool changed;          /* the data directory is not what it was */
    char *kept;            /* directory of what was kept; NULL = nothing */
    char *old_directory;   /* of a clone, with its old content; NULL = none */
    bool old_is_needed;    /* its WAL is nowhere else */
};

#define REJOIN_INIT(cmd_context)                                                       \
    {                                                                                  \
        .context = (cmd_context), .lock_fd = -1, .state_fd = -1                        \
    }

void rejoin_deinit(struct rejoin *rejoin);

/* All functions return an exit code, with the text of a failure in `err`. */

/* Find nodes, leader, own directory and server; what stands against rejoining goes into
 * `list`. Nothing is changed. */
int rejoin_gather(struct rejoin *rejoin,
                  struct precheck *list,
                  struct err *err) PGRMON_MUST_CHECK;

/* Who leads, of rejoin->set; opens the session to it. */
int rejoin_find_leader(struct rejoin *rejoin,
                       struct precheck *list,
                       struct err *err) PGRMON_MUST_CHECK;

/* Before it is too late: does the same one still lead? */
int rejoin_recheck_leader(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Read own terms and position over rejoin->local, and those of the leader, into the
 * facts. Waits until local replay has reached the end of its WAL. */
int rejoin_compare(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* ---- own server ----------------------------------------------------------------- */

/* Start it read-only, with no upstream, no archive, and no way in but ours
 * (postgres-facts 7); rejoin->local is a session to it. */
int rejoin_start_cut_off(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Stop it in good order, however it runs. Fine when it does not. */
int rejoin_stop(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Let it read its settings again. Fine when it does not run. */
int rejoin_reload(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Start it as it is started always. Fine when it runs. */
int rejoin_start(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* ---- keeping -------------------------------------------------------------------- */

/* Copy WAL from the segment of `from` on (LSN_UNKNOWN = all), timeline histories and
 * configuration aside, durably; rejoin->kept tells where. */
int rejoin_keep(struct rejoin *rejoin,
                struct lsn from,
                struct err *err) PGRMON_MUST_CHECK;

/* Put the WAL back into pg_wal that rejoin->kept holds. */
int rejoin_restore_wal(const struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Put the configuration that rejoin->kept holds into `directory`. */
int rejoin_restore_config(const struct rejoin *rejoin,
                          const char *directory,
                          struct err *err) PGRMON_MUST_CHECK;

/* ---- the ways ------------------------------------------------------------------- */

/* The server is stopped, or its rewind broke off. Afterwards it can be started. */
int rejoin_by_rewind(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;
int rejoin_by_clone(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;
int rejoin_by_stream(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Append what a clone needs: source, target, room. */
int rejoin_check_clone(struct rejoin *rejoin,
                       struct precheck *list,
                       struct err *err) PGRMON_MUST_CHECK;

/* Write primary_conninfo and slot into `directory`, and standby.signal. */
int rejoin_write_settings(const struct rejoin *rejoin,
                          const char *directory,
                          struct err *err) PGRMON_MUST_CHECK;

/* A slot on the leader, before anything else: the WAL from now on will be needed. */
int rejoin_make_slot(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

/* Start, wait until it streams, record. */
int rejoin_finish(struct rejoin *rejoin, struct err *err) PGRMON_MUST_CHECK;

#endif
