/* ownpg.c - postmaster.pid and /proc. */
#include "ownpg.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "pgdata.h"
#include "queries.h"

/* The content of /proc/PID/NAME; false when there is no such process. */
static bool read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[64];
    FILE *file;
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    n = fread(buf, 1, size - 1, file);
    (void)fclose(file);
    buf[n] = '\0';
    return n > 0;
}

/* A postmaster works in its data directory. Its pid file may be a leftover whose number
 * now belongs to somebody else, or one of another container. */
pid_t ownpg_postmaster(const char *data_directory)
{
    struct pgdata_postmaster pm;
    struct stat ours, theirs;
    char path[64];

    if (pgdata_read_postmaster(data_directory, &pm, NULL) != 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/%d/cwd", (int)pm.pid);
    if (stat(data_directory, &ours) != 0 || stat(path, &theirs) != 0 ||
        ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
        return 0;
    return pm.pid;
}

static pid_t parent_of(pid_t pid)
{
    char text[512];
    const char *name_end;
    int parent;

    if (!read_proc(pid, "stat", text, sizeof text))
        return 0;
    /* The name, in parentheses, may hold anything. */
    name_end = strrchr(text, ')');
    if (name_end == NULL || sscanf(name_end, ") %*c %d", &parent) != 1)
        return 0;
    return parent;
}

int ownpg_signal(const char *data_directory, pid_t pid, int signal)
{
    pid_t postmaster = ownpg_postmaster(data_directory);

    if (pid <= 1 || postmaster <= 1 || parent_of(pid) != postmaster)
        return -ESRCH;
    return kill(pid, signal) == 0 ? 0 : -errno;
}

pid_t ownpg_end_readers(const char *data_directory, const PGresult *res)
{
    pid_t left_over = 0;

    for (int row = 0; row < PQntuples(res); row++) {
        pid_t pid = (pid_t)query_int64(res, row, 0, 0);

        if (ownpg_signal(data_directory, pid, SIGTERM) == 0)
            log_notice("ended a reader that blocked replay (process %d)", (int)pid);
        else
            left_over = pid;
    }
    return left_over;
}

bool ownpg_is_conflict(const char *type, const char *wait)
{
    /* For a lock or a buffer it waits as anybody does. */
    return (wait != NULL && strncmp(wait, "RecoveryConflict", 16) == 0) ||
           (type != NULL &&
            (strcmp(type, "Lock") == 0 || strcmp(type, "BufferPin") == 0));
}

bool ownpg_has_children(pid_t pid)
{
    char name[64], text[64];

    (void)snprintf(name, sizeof name, "task/%d/children", (int)pid);
    return pid > 1 && read_proc(pid, name, text, sizeof text);
}

bool ownpg_signal_pending(pid_t pid, int signal)
{
    static const char *const keys[] = {"\nSigPnd:", "\nShdPnd:"};
    char text[4096];
    uint64_t pending = 0;

    if (pid <= 1 || !read_proc(pid, "status", text, sizeof text))
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *at = strstr(text, keys[i]);

        if (at != NULL)
            pending |= strtoull(at + strlen(keys[i]), NULL, 16);
    }
    return (pending >> (signal - 1) & 1) != 0;
}

static char *if_executable(char *path)
{
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *ownpg_program(const struct config *config, const char *name)
{
    struct pgdata_info info = {0};
    char *found;
    int major;

    if (config->pg_bindir[0] != '\0')
        return if_executable(xasprintf("%s/%s", config->pg_bindir, name));
    if (pgdata_inspect(config->data_directory, &info, NULL) != 0)
        return NULL;
    major = info.major_version;
    found = if_executable(xasprintf("/usr/lib/postgresql/%d/bin/%s", major, name));
    if (found == NULL)
        found = if_executable(xasprintf("/usr/pgsql-%d/bin/%s", major, name));
    return found != NULL ? found : if_executable(xasprintf("/usr/bin/%s", name));
}
