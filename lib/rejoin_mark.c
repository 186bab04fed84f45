/* rejoin_mark.c - see rejoin_mark.h. */
#include "rejoin_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "guard.h"
#include "pgdata.h"

/* PostgreSQL 12 and later refuse to start while there is one, of whatever kind. */
#define BRAKE_NAME "recovery.conf"

#define LOCK_TRIES    10
#define LOCK_PAUSE_US 20000

static int fail(struct err *err, const char *what, const char *path)
{
    int code = -errno;

    return err_set(err, code, "could not %s \"%s\": %s", what, path, strerror(-code));
}

/* ---- the lock ------------------------------------------------------------------- */

int rejoin_lock(const char *state_directory, int *ret_fd, struct err *err)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" REJOIN_LOCK_NAME, state_directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return fail(err, "open", path);
    /* Whoever only looks holds it for an instant. */
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *ret_fd = fd;
            return 0;
        }
        (void)usleep(LOCK_PAUSE_US);
    }
    (void)close(fd);
    (void)err_set(err, REJOIN_E_BUSY, "\"node rejoin\" is at work on this node");
    err_detail(err, "it holds \"%s\"", path);
    err_hint(err, "wait for its end, or interrupt it with Ctrl-C where it runs");
    return REJOIN_E_BUSY;
}

static bool is_locked(const char *state_directory)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" REJOIN_LOCK_NAME, state_directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool locked;

    if (fd < 0)
        return false;
    locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
    (void)close(fd);
    return locked;
}

void rejoin_refuse_marked(const char *data_directory, struct err *err)
{
    (void)err_set(err, REJOIN_E_UNFINISHED,
                  "a rewind of \"%s\" broke off: PostgreSQL must not be started",
                  data_directory);
    err_detail(err, "half of its files are this node's, half are another's");
    err_hint(err, "execute \"pgrmon node rejoin\" again; if that cannot finish it: "
                  "\"pgrmon node rejoin --clone\"");
}

int rejoin_may_start(const char *data_directory,
                     const char *state_directory,
                     struct err *err)
{
    if (is_locked(state_directory))
        return err_set(err, REJOIN_E_BUSY, "\"node rejoin\" is at work on this node");
    if (!rejoin_is_marked(data_directory))
        return 0;
    rejoin_refuse_marked(data_directory, err);
    return REJOIN_E_UNFINISHED;
}

/* ---- the mark ------------------------------------------------------------------- */

bool rejoin_is_marked(const char *data_directory)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" REJOIN_MARK_NAME, data_directory);
    struct stat st;

    return lstat(path, &st) == 0;
}

static int make_fifo(const char *path, struct err *err)
{
    if (mkfifo(path, 0600) != 0 && errno != EEXIST)
        return fail(err, "create", path);
    return 0;
}

/* In place of whatever brake of ours is there, without a moment between. */
static int put_brake(const char *data_directory, bool source_brake, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" BRAKE_NAME, data_directory);
    char *beside CLEANUP(cleanup_free) = xasprintf("%s.rewind", path);
    struct stat st;
    int r;

    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        !guard_is_held(data_directory) && !rejoin_is_marked(data_directory)) {
        (void)err_set(err, REJOIN_E_FOREIGN, "the file \"%s\" is not pgrmon's", path);
        err_detail(err, "PostgreSQL 12 and later do not start while it is there");
        err_hint(err, "look what it is for, and move it away");
        return REJOIN_E_FOREIGN;
    }
    if (source_brake)
        return pgdata_write(data_directory, BRAKE_NAME, "# an unfinished rewind\n",
                            err);
    (void)unlink(beside);
    r = make_fifo(beside, err);
    if (r == 0 && rename(beside, path) != 0)
        r = fail(err, "create", path);
    return r;
}

int rejoin_mark(const char *data_directory, bool source_brake, struct err *err)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" REJOIN_MARK_NAME, data_directory);
    int r = put_brake(data_directory, source_brake, err);

    if (r == 0)
        r = make_fifo(path, err);
    return r == 0 ? pgdata_sync_directory(data_directory, err) : r;
}

static int take_away(const char *data_directory, const char *name, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", data_directory, name);

    if (unlink(path) != 0 && errno != ENOENT)
        return fail(err, "remove", path);
    return pgdata_sync_directory(data_directory, err);
}

int rejoin_unmark(const char *data_directory, struct err *err)
{
    int r = take_away(data_directory, BRAKE_NAME, err);

    return r != 0 ? r : take_away(data_directory, REJOIN_MARK_NAME, err);
}

/* ---- the record ----------------------------------------------------------------- */

#define RECORD_FORMAT                                                                  \
    "# written by \"pgrmon node rejoin\" before a rewind\n"                            \
    "leader = %d\nterm = %" PRId64 "\nboot = %s\nkept = %s\n"

int rejoin_record_write(const char *state_directory,
                        const struct rejoin_record *record,
                        struct err *err)
{
    char boot[PROC_BOOT_ID_SIZE];
    char *text CLEANUP(cleanup_free) = NULL;

    proc_boot_id(boot);
    text =
        xasprintf(RECORD_FORMAT, record->leader_id, record->term, boot, record->kept);
    return pgdata_write(state_directory, REJOIN_RECORD_NAME, text, err);
}

int rejoin_record_read(const char *state_directory, struct rejoin_record *ret)
{
    char *text CLEANUP(cleanup_free) = NULL;
    const char *first;

    *ret = (struct rejoin_record){0};
    if (pgdata_read(state_directory, REJOIN_RECORD_NAME, &text, NULL) != 0)
        return REJOIN_E_MISSING;
    first = strchr(text, '\n');
    if (first == NULL ||
        sscanf(first, " leader = %d term = %" SCNd64 " boot = %36s kept = %1023[^\n]",
               &ret->leader_id, &ret->term, ret->boot, ret->kept) != 4)
        return REJOIN_E_MISSING;
    return 0;
}

bool rejoin_record_is_of_this_boot(const struct rejoin_record *record)
{
    char boot[PROC_BOOT_ID_SIZE];

    proc_boot_id(boot);
    return boot[0] != '\0' && strcmp(boot, record->boot) == 0;
}

void rejoin_record_remove(const char *state_directory)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" REJOIN_RECORD_NAME, state_directory);

    (void)unlink(path);
}
