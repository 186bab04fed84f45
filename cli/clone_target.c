/* clone_target.c - see clone_target.h. */
#include "clone_target.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

#define MEGABYTE (INT64_C(1) << 20)

void clone_target_deinit(struct clone_target *target)
{
    free(target->aside);
    target->aside = NULL;
}

/* ---- trees ---------------------------------------------------------------------- */

static void close_tree(FTS **tree)
{
    if (*tree != NULL)
        (void)fts_close(*tree);
}

static FTS *open_tree(const char *path)
{
    char *copy = xstrdup(path);
    char *paths[] = {copy, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

    free(copy);
    return tree;
}

int clone_target_remove(const char *path, bool itself)
{
    FTS *tree CLEANUP(close_tree) = open_tree(path);
    const FTSENT *entry;
    int rc = 0;

    while (tree != NULL && (entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_D || (entry->fts_level == 0 && !itself))
            continue;
        if (remove(entry->fts_accpath) != 0 && errno != ENOENT && rc == 0)
            rc = -errno;
    }
    return rc;
}

static int64_t tree_bytes(const char *path)
{
    FTS *tree CLEANUP(close_tree) = open_tree(path);
    const FTSENT *entry;
    int64_t bytes = 0;

    while (tree != NULL && (entry = fts_read(tree)) != NULL)
        if (entry->fts_info == FTS_F)
            bytes += (int64_t)entry->fts_statp->st_blocks * 512;
    return bytes;
}

/* The directory that `path` is, or will be made, in. The caller frees. */
static char *existing_ancestor(const char *path)
{
    char *copy = xstrdup(path);
    struct stat st;

    while (stat(copy, &st) != 0) {
        char *slash = strrchr(copy, '/');

        if (slash == NULL || slash == copy) {
            (void)strcpy(copy, slash == NULL ? "." : "/");
            break;
        }
        *slash = '\0';
    }
    return copy;
}

/* ---- checks --------------------------------------------------------------------- */

static bool has_content(const struct clone_target *target)
{
    return target->info.kind == PGDATA_SERVER || target->info.kind == PGDATA_OTHER;
}

static void check_use(const struct clone_target *target, struct precheck *list)
{
    pid_t pid;
    enum pgdata_use use = pgdata_in_use(target->path, &pid);

    if (use == PGDATA_IDLE)
        return;
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  use == PGDATA_RUNNING
                      ? "a PostgreSQL server is running in directory \"%s\""
                      : "processes of a dead PostgreSQL server are running in "
                        "directory \"%s\"",
                  target->path);
    if (pid != 0)
        precheck_detail(list, "process %d; not even --force overwrites that", (int)pid);
    precheck_hint(list,
                  "stop it with \"pg_ctl stop -m fast -D '%s'\", or choose another "
                  "directory with -D",
                  target->path);
}

static void check_foreign(const struct clone_target *target,
                          uint64_t system_identifier,
                          struct precheck *list)
{
    if (target->info.kind == PGDATA_OTHER) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" is not empty, and is no data directory",
                      target->path);
        precheck_hint(
            list, "remove its content or choose another with -D; --force overwrites "
                  "nothing but a copy of this cluster or an unfinished clone");
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "directory \"%s\" is not empty: it belongs to another cluster",
                  target->path);
    precheck_detail(
        list, "its system identifier is %" PRIu64 ", that of the source is %" PRIu64,
        target->info.system_identifier, system_identifier);
    precheck_hint(
        list, "if it is not needed any more, move it away; --force does not overwrite "
              "other clusters");
}

/* Old content that may go when the user says so. */
static void
check_old(const struct clone_target *target, bool force, struct precheck *list)
{
    const char *what = target->unfinished
                           ? "holds an unfinished clone"
                           : "is not empty: it holds a copy of this cluster";

    if (force) {
        precheck_add(list, PRECHECK_NOTICE,
                     "directory \"%s\" %s and will be overwritten", target->path, what);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "directory \"%s\" %s", target->path,
                  what);
    precheck_hint(list, "add \"--force\" to overwrite it, or choose another with -D");
}

static void check_content(const struct clone_target *target,
                          uint64_t system_identifier,
                          bool force,
                          struct precheck *list)
{
    check_use(target, list);
    if (list->n_failed > 0)
        return;
    if (target->unfinished || (target->info.kind == PGDATA_SERVER &&
                               (system_identifier == 0 ||
                                target->info.system_identifier == system_identifier)))
        check_old(target, force, list);
    else
        check_foreign(target, system_identifier, list);
}

/* Can the directory be made, or be filled. */
static void check_rights(const struct clone_target *target, struct precheck *list)
{
    char *ancestor CLEANUP(cleanup_free) = existing_ancestor(target->path);

    if (target->info.kind != PGDATA_ABSENT && target->info.owner != geteuid()) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" belongs to another user", target->path);
        precheck_hint(list, "as root execute \"chown %d '%s'\"", (int)geteuid(),
                      target->path);
    } else if (access(ancestor, W_OK | X_OK) != 0) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" cannot be written to", ancestor);
        precheck_detail(list, "%s", strerror(errno));
        precheck_hint(list, "as root execute \"install -d -m 700 -o %d '%s'\"",
                      (int)geteuid(), target->path);
    }
}

/* Old content can be renamed when the directory is no mount point and its parent ours.
 */
static char *choose_aside(const char *path)
{
    char *parent CLEANUP(cleanup_free) = xasprintf("%s/..", path);
    struct stat here, above;

    if (stat(path, &here) != 0 || stat(parent, &above) != 0 ||
        here.st_dev != above.st_dev || access(parent, W_OK | X_OK) != 0)
        return NULL;
    return xasprintf("%s.pgrmon-old", path);
}

static void check_aside(struct clone_target *target, struct precheck *list)
{
    struct stat st;

    target->aside = choose_aside(target->path);
    if (target->aside == NULL || lstat(target->aside, &st) != 0)
        return;
    if (target->unfinished) {
        /* What that clone had put aside comes back when this one fails too. */
        target->is_aside = true;
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "directory \"%s\" is in the way",
                  target->aside);
    precheck_detail(list, "an interrupted clone has put old content there");
    precheck_hint(list, "remove it or move it away");
}

void clone_target_check(struct clone_target *target,
                        const char *path,
                        uint64_t system_identifier,
                        bool force,
                        struct precheck *list)
{
    char *sentinel CLEANUP(cleanup_free) = xasprintf("%s/%s", path, CLONE_SENTINEL);
    struct err err = ERR_INIT;

    *target = (struct clone_target){.path = path};
    if (pgdata_inspect(path, &target->info, &err) != 0) {
        precheck_fail_err(list, EXIT_CODE_BAD_CONFIG, &err);
        precheck_hint(list, "run pgrmon as the user that runs PostgreSQL");
        return;
    }
    target->existed = target->info.kind != PGDATA_ABSENT;
    target->mode = target->info.mode;
    target->unfinished = access(sentinel, F_OK) == 0;
    if (target->info.kind == PGDATA_NO_DIRECTORY) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "\"%s\" is no directory", path);
        precheck_hint(list, "choose another with -D");
        return;
    }
    check_rights(target, list);
    if (!has_content(target))
        return;
    check_content(target, system_identifier, force, list);
    if (list->n_failed == 0)
        check_aside(target, list);
}

void clone_target_check_space(struct clone_target *target,
                              int64_t bytes,
                              bool force,
                              struct precheck *list)
{
    char *ancestor CLEANUP(cleanup_free) = existing_ancestor(target->path);
    struct statvfs fs;
    int64_t available, old = 0;

    if (statvfs(ancestor, &fs) != 0)
        return;
    available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (available < bytes && has_content(target)) {
        /* No room for both. */
        old = tree_bytes(target->path);
        free(target->aside);
        target->aside = NULL;
    }
    if (has_content(target) && list->n_failed == 0)
        precheck_add(list, PRECHECK_NOTICE,
                     target->aside != NULL
                         ? "its old content is kept in \"%s\" until the clone is done"
                         : "its old content is removed first, and cannot be restored",
                     target->aside);
    if (available + old >= bytes) {
        precheck_add(list, PRECHECK_OK,
                     "%" PRId64 " MB are free for the data directory, about %" PRId64
                     " MB are required",
                     (available + old) / MEGABYTE, bytes / MEGABYTE);
        return;
    }
    precheck_fail_unless(list, force, EXIT_CODE_BASEBACKUP,
                         "not enough free space for directory \"%s\"", target->path);
    precheck_detail(list, "about %" PRId64 " MB are required, %" PRId64 " MB are free",
                    bytes / MEGABYTE, (available + old) / MEGABYTE);
    precheck_hint(list, "free some space, or choose another file system with -D");
}

/* ---- changing ------------------------------------------------------------------- */

static int fail(struct err *err, int rc, const char *what, const char *path)
{
    (void)err_set(err, rc, "could not %s \"%s\"", what, path);
    err_detail(err, "%s", strerror(-rc));
    return EXIT_CODE_SYSTEM;
}

int clone_target_prepare(struct clone_target *target, struct err *err)
{
    int rc = 0;

    if (has_content(target)) {
        target->prepared = true;
        if (target->aside != NULL && !target->is_aside) {
            if (rename(target->path, target->aside) != 0)
                return fail(err, -errno, "put aside directory", target->path);
            target->is_aside = true;
            log_info("old content was put aside into \"%s\"", target->aside);
            return EXIT_CODE_SUCCESS;
        }
        log_info("removing old content of directory \"%s\"", target->path);
        rc = clone_target_remove(target->path, false);
        if (rc != 0)
            return fail(err, rc, "empty directory", target->path);
    }
    target->prepared = true;
    if (target->existed && (target->mode & 027) != 0) {
        log_info("correcting permissions on existing directory \"%s\"", target->path);
        if (chmod(target->path, 0700) != 0)
            return fail(err, -errno, "change mode of", target->path);
    }
    return EXIT_CODE_SUCCESS;
}

void clone_target_mark(struct clone_target *target)
{
    char *first CLEANUP(cleanup_free) = NULL;

    if (target->sentinel_written)
        return;
    /* pg_basebackup makes pg_wal once it has looked at the directory. */
    first = xasprintf("%s/pg_wal", target->path);
    if (access(first, F_OK) != 0)
        return;
    target->sentinel_written =
        pgdata_write(target->path, CLONE_SENTINEL,
                     "an unfinished clone made by \"pgrmon standby clone\"\n",
                     NULL) == 0 &&
        pgdata_write(target->path, "standby.signal", "", NULL) == 0;
}

int clone_target_finish(struct clone_target *target, struct err *err)
{
    char *sentinel CLEANUP(cleanup_free) =
        xasprintf("%s/%s", target->path, CLONE_SENTINEL);
    int rc;

    if (unlink(sentinel) != 0 && errno != ENOENT)
        return fail(err, -errno, "remove file", sentinel);
    if (pgdata_sync_directory(target->path, err) != 0)
        return EXIT_CODE_SYSTEM;
    target->prepared = false;
    if (!target->is_aside)
        return EXIT_CODE_SUCCESS;
    rc = clone_target_remove(target->aside, true);
    if (rc != 0)
        log_warning("old content in \"%s\" could not be removed completely: %s",
                    target->aside, strerror(-rc));
    target->is_aside = false;
    return EXIT_CODE_SUCCESS;
}

void clone_target_undo(struct clone_target *target)
{
    bool itself = !target->existed || target->is_aside;
    int rc;

    if (!target->prepared)
        return;
    rc = clone_target_remove(target->path, itself);
    if (rc != 0) {
        log_warning("directory \"%s\" could not be cleaned up: %s", target->path,
                    strerror(-rc));
        log_hint(LOG_LEVEL_WARNING, "execute \"rm -rf '%s'\"", target->path);
    }
    if (target->is_aside && rename(target->aside, target->path) != 0) {
        log_warning("old content could not be put back: %s", strerror(errno));
        log_hint(LOG_LEVEL_WARNING, "execute \"mv '%s' '%s'\"", target->aside,
                 target->path);
    } else if (target->existed && !target->is_aside) {
        (void)chmod(target->path, target->mode);
    }
    target->prepared = false;
    log_info("directory \"%s\" is as it was before%s", target->path,
             has_content(target) && !target->is_aside ? ", without its old content"
                                                      : "");
}
