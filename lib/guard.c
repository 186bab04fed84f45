/* guard.c - the files of the start guard; see guard.h. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "mono.h"
#include "pgdata.h"
#include "proc.h"

#define SIGNAL_FILE "standby.signal"
#define BRAKE_FILE  "recovery.conf"
#define PERMIT_FILE "start-permit"

/* The first line makes it ours. */
#define BRAKE_MARK "# pgrmon start guard\n"
#define BRAKE_TEXT                                                                     \
    BRAKE_MARK                                                                         \
    "# PostgreSQL refuses to start while this file is here. That is its purpose: "     \
    "only\n"                                                                           \
    "# pgrmond, when a majority of the cluster has made this node its leader, takes "  \
    "it\n"                                                                             \
    "# away. To start PostgreSQL without pgrmon: pgrmon node release\n"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static int fail(struct err *err, const char *what, const char *path)
{
    int code = -errno;

    return err_set(err, code, "could not %s \"%s\": %s", what, path, strerror(-code));
}

int guard_arm(const char *data_directory, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" SIGNAL_FILE, data_directory);
    int fd CLEANUP(close_fd) =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || fsync(fd) != 0)
        return fail(err, "write", path);
    return pgdata_sync_directory(data_directory, err);
}

static bool exists(const char *data_directory, const char *name)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", data_directory, name);

    return access(path, F_OK) == 0;
}

bool guard_is_armed(const char *data_directory)
{
    return exists(data_directory, SIGNAL_FILE);
}

static int take_away(const char *data_directory, const char *name, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", data_directory, name);

    if (unlink(path) != 0 && errno != ENOENT)
        return fail(err, "remove", path);
    return pgdata_sync_directory(data_directory, err);
}

int guard_disarm(const char *data_directory, struct err *err)
{
    return take_away(data_directory, SIGNAL_FILE, err);
}

/* ---- the brake ------------------------------------------------------------------ */

bool guard_is_held(const char *data_directory)
{
    char *text CLEANUP(cleanup_free) = NULL;

    return pgdata_read(data_directory, BRAKE_FILE, &text, NULL) == 0 &&
           strncmp(text, BRAKE_MARK, strlen(BRAKE_MARK)) == 0;
}

static int foreign(const char *data_directory, struct err *err)
{
    (void)err_set(err, GUARD_E_FOREIGN,
                  "the file \"%s/" BRAKE_FILE "\" is not pgrmon's", data_directory);
    err_detail(err, "PostgreSQL 12 and later do not start while it is there");
    err_hint(err, "look what it is for, and remove it");
    return GUARD_E_FOREIGN;
}

/* Written beside it, then linked: link(2) replaces nobody's file. */
static int link_brake(const char *data_directory, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" BRAKE_FILE, data_directory);
    char *beside CLEANUP(cleanup_free) = xasprintf("%s.guard", path);
    size_t length = strlen(BRAKE_TEXT);
    int fd CLEANUP(close_fd) =
        open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = 0;

    if (fd < 0)
        return fail(err, "create", beside);
    errno = ENOSPC; /* what a short write means */
    if (write(fd, BRAKE_TEXT, length) != (ssize_t)length || fsync(fd) != 0)
        r = fail(err, "write", beside);
    else if (link(beside, path) != 0)
        r = errno == EEXIST && guard_is_held(data_directory) ? 0
            : errno == EEXIST ? foreign(data_directory, err)
                              : fail(err, "create", path);
    (void)unlink(beside);
    return r;
}

int guard_hold(const char *data_directory, struct err *err)
{
    int r = link_brake(data_directory, err);

    return r != 0 ? r : pgdata_sync_directory(data_directory, err);
}

int guard_unhold(const char *data_directory, struct err *err)
{
    if (!exists(data_directory, BRAKE_FILE))
        return 0;
    if (!guard_is_held(data_directory))
        return foreign(data_directory, err);
    return take_away(data_directory, BRAKE_FILE, err);
}

/* ---- the permit ----------------------------------------------------------------- */

int guard_permit(const char *state_directory, int64_t until_ms, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" PERMIT_FILE, state_directory);
    char *beside CLEANUP(cleanup_free) = xasprintf("%s.new", path);
    char boot[PROC_BOOT_ID_SIZE];
    FILE *file = fopen(beside, "we");
    bool written;

    if (file == NULL)
        return fail(err, "create", beside);
    proc_boot_id(boot);
    written = fprintf(file, "%s %" PRId64 "\n", boot, until_ms) > 0;
    if (fclose(file) != 0 || !written || rename(beside, path) != 0)
        return fail(err, "write", path);
    return 0;
}

bool guard_is_permitted(const char *state_directory)
{
    char *text CLEANUP(cleanup_free) = NULL;
    char boot[PROC_BOOT_ID_SIZE], of_permit[PROC_BOOT_ID_SIZE];
    int64_t until_ms;

    if (pgdata_read(state_directory, PERMIT_FILE, &text, NULL) != 0 ||
        sscanf(text, "%36s %" SCNd64, of_permit, &until_ms) != 2)
        return false;
    proc_boot_id(boot);
    return boot[0] != '\0' && strcmp(boot, of_permit) == 0 && mono_now().ms < until_ms;
}

void guard_revoke(const char *state_directory)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" PERMIT_FILE, state_directory);

    (void)unlink(path);
}
