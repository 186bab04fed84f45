/* rejoin_clone.c - a copy of the leader beside the data directory, exchanged for it
 * when it is complete. Until then the old directory is as it was, and may even run.
 *
 *   copy into DATA_DIRECTORY.pgrmon-new -> own PostgreSQL stopped, its WAL and
 *   configuration kept -> renameat2(RENAME_EXCHANGE) -> the old one is
 *   DATA_DIRECTORY.pgrmon-old */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "clone.h"
#include "log.h"
#include "rejoin_run.h"

/* `standby clone` of the leader into the directory beside. */
struct beside {
    struct cmd_context context;
    char *directory;
    struct clone clone;
};

static void beside_deinit(struct beside *beside)
{
    clone_deinit(&beside->clone);
    free(beside->directory);
}

/* Renaming has to be possible: no mount point, and the parent is ours. */
static bool can_exchange(const char *directory)
{
    char *parent CLEANUP(cleanup_free) = xasprintf("%s/..", directory);
    struct stat here, above;

    return lstat(directory, &here) == 0 && S_ISDIR(here.st_mode) &&
           stat(parent, &above) == 0 && here.st_dev == above.st_dev &&
           access(parent, W_OK | X_OK) == 0;
}

static void check_exchange(const struct rejoin *rejoin, struct precheck *list)
{
    char *old CLEANUP(cleanup_free) = xasprintf("%s.pgrmon-old", rejoin->directory);
    struct stat st;

    if (!can_exchange(rejoin->directory)) {
        precheck_fail(list, EXIT_CODE_REJOIN,
                      "directory \"%s\" cannot be exchanged for a copy beside it",
                      rejoin->directory);
        precheck_detail(list, "it is a link or a mount point, or the directory that it "
                              "is in may not be written to");
        precheck_hint(list,
                      "stop PostgreSQL and execute \"pgrmon -h HOST -U ROLE -d "
                      "DATABASE standby clone --force\" with those of %s",
                      rejoin->label);
    } else if (lstat(old, &st) == 0) {
        precheck_fail(list, EXIT_CODE_REJOIN, "directory \"%s\" is in the way", old);
        precheck_detail(list, "an earlier rejoin has put an old data directory there");
        precheck_hint(list, "move or remove it, once it is not needed any more");
    }
}

static int gather(struct rejoin *rejoin,
                  struct beside *beside,
                  struct precheck *list,
                  struct err *err)
{
    beside->context = *rejoin->context;
    beside->directory = xasprintf("%s.pgrmon-new", rejoin->directory);
    beside->context.source_conninfo = rejoin->leader->conninfo;
    beside->context.line.pgdata = beside->directory;
    beside->context.line.upstream_node_id = rejoin->leader->id;
    beside->context.line.fast_checkpoint = true;
    /* Of what lies there, only an unfinished clone may go. */
    beside->context.line.force = true;
    beside->clone.context = &beside->context;
    beside->clone.beside = true;
    return clone_gather(&beside->clone, list, err);
}

int rejoin_check_clone(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    struct beside beside CLEANUP(beside_deinit) = {.directory = NULL};

    check_exchange(rejoin, list);
    return list->n_failed > 0 ? EXIT_CODE_SUCCESS : gather(rejoin, &beside, list, err);
}

static int copy(struct rejoin *rejoin, struct err *err)
{
    struct beside beside CLEANUP(beside_deinit) = {.directory = NULL};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    int code = gather(rejoin, &beside, &list, err);

    if (code == EXIT_CODE_SUCCESS && list.n_failed > 0)
        code = precheck_report(&list, "node rejoin", false, err);
    return code == EXIT_CODE_SUCCESS ? clone_by_basebackup(&beside.clone, err) : code;
}

/* Where a rewind broke off, pg_wal is a mixture; what was this node's is kept already,
 * if anywhere. */
static int keep(struct rejoin *rejoin, struct err *err)
{
    if (!rejoin->marked)
        return rejoin_keep(rejoin, rejoin->fork, err);
    if (rejoin->has_record && access(rejoin->record.kept, R_OK | X_OK) == 0) {
        rejoin->kept = xstrdup(rejoin->record.kept);
        return EXIT_CODE_SUCCESS;
    }
    rejoin->old_is_needed = true;
    return rejoin_keep(rejoin, LSN_UNKNOWN, err);
}

static int fail(struct err *err, const char *what, const char *path)
{
    int code = -errno;

    (void)err_set(err, code, "could not %s \"%s\": %s", what, path, strerror(-code));
    return EXIT_CODE_SYSTEM;
}

/* At every instant there is one complete data directory under its name. */
static int exchange(struct rejoin *rejoin, const char *copied, struct err *err)
{
    char *old = xasprintf("%s.pgrmon-old", rejoin->directory);
    char *parent CLEANUP(cleanup_free) = xasprintf("%s/..", rejoin->directory);

    if (renameat2(AT_FDCWD, copied, AT_FDCWD, rejoin->directory, RENAME_EXCHANGE) !=
        0) {
        free(old);
        return fail(err, "exchange for the copy", rejoin->directory);
    }
    rejoin->marked = false;
    rejoin->changed = true;
    if (rename(copied, old) != 0) {
        free(old);
        old = xstrdup(copied);
    }
    rejoin->old_directory = old;
    rejoin_record_remove(rejoin->context->config.state_directory);
    return pgdata_sync_directory(parent, err) == 0 ? EXIT_CODE_SUCCESS
                                                   : EXIT_CODE_SYSTEM;
}

int rejoin_by_clone(struct rejoin *rejoin, struct err *err)
{
    char *copied CLEANUP(cleanup_free) = xasprintf("%s.pgrmon-new", rejoin->directory);
    int code = copy(rejoin, err);

    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_stop(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = keep(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_restore_config(rejoin, copied, err);
    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_write_settings(rejoin, copied, err);
    if (code == EXIT_CODE_SUCCESS)
        code = exchange(rejoin, copied, err);
    return code;
}
