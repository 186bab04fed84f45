/* lockfile.c - see lockfile.h. */
#include "lockfile.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "cleanup.h"
#include "pgdata.h"
#include "proc.h"

#define LOCK_FILE "postmaster.pid"

/* PostgreSQL asks the same before it takes over a data directory. */
static bool has_users(const struct pgdata_postmaster *pm)
{
    struct shmid_ds segment;

    if (pm->shm_id < 0)
        return false;
    if (shmctl(pm->shm_id, IPC_STAT, &segment) != 0)
        return errno != EINVAL && errno != EIDRM;
    return segment.shm_nattch > 0;
}

static enum lockfile_state judge(const struct pgdata_postmaster *pm)
{
    struct proc proc;

    if (has_users(pm))
        return LOCKFILE_HELD;
    if (!proc_read(pm->pid, &proc))
        return kill(pm->pid, 0) != 0 && errno == ESRCH ? LOCKFILE_FREE : LOCKFILE_HELD;
    return proc_is_dead(&proc) ? LOCKFILE_ZOMBIE : LOCKFILE_HELD;
}

enum lockfile_state lockfile_look(const char *data_directory, pid_t *ret_pid)
{
    struct pgdata_postmaster pm;
    int rc = pgdata_read_postmaster(data_directory, &pm, NULL);

    *ret_pid = 0;
    if (rc == -ENOENT)
        return LOCKFILE_FREE;
    if (rc != 0)
        return LOCKFILE_HELD;
    *ret_pid = pm.pid;
    return judge(&pm);
}

/* Take `name` away if it still says `text`: aside first, so that what is removed is
 * what was looked at. In between another postmaster may have written its own. */
static int
remove_this(const char *directory, const char *name, const char *text, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, name);
    char *aside_name CLEANUP(cleanup_free) = xasprintf("%s.pgrmon", name);
    char *aside CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, aside_name);
    char *taken CLEANUP(cleanup_free) = NULL;
    bool same;

    if (rename(path, aside) != 0)
        return err_set(err, -errno, "could not rename \"%s\": %s", path,
                       strerror(errno));
    same = pgdata_read(directory, aside_name, &taken, NULL) == 0 &&
           strcmp(text, taken) == 0;
    if ((same ? unlink(aside) : rename(aside, path)) != 0)
        return err_set(err, -errno, "could not %s \"%s\": %s",
                       same ? "remove" : "rename", aside, strerror(errno));
    return same ? 0 : -EAGAIN;
}

/* The lock beside its socket names process and data directory, and is as much in the
 * way. Only the first socket directory is known; of others PostgreSQL waits for the
 * zombie to go. */
static int remove_socket_lock(const char *data_directory,
                              const struct pgdata_postmaster *pm,
                              struct err *err)
{
    char name[64];
    char *text CLEANUP(cleanup_free) = NULL;
    size_t length = strlen(data_directory);
    const char *owner;

    if (pm->socket_directory[0] == '\0')
        return 0;
    (void)snprintf(name, sizeof name, ".s.PGSQL.%d.lock", pm->port);
    if (pgdata_read(pm->socket_directory, name, &text, NULL) != 0)
        return 0;
    owner = strchr(text, '\n');
    if (owner == NULL || strtol(text, NULL, 10) != pm->pid ||
        strncmp(owner + 1, data_directory, length) != 0 || owner[1 + length] != '\n')
        return 0;
    return remove_this(pm->socket_directory, name, text, err);
}

int lockfile_remove(const char *data_directory, struct err *err)
{
    char *text CLEANUP(cleanup_free) = NULL;
    struct pgdata_postmaster pm;
    int rc = pgdata_read(data_directory, LOCK_FILE, &text, err);

    if (rc == 0)
        rc = pgdata_read_postmaster(data_directory, &pm, err);
    if (rc != 0)
        return rc == -ENOENT ? -EAGAIN : rc;
    if (judge(&pm) != LOCKFILE_ZOMBIE)
        return -EAGAIN;
    rc = remove_socket_lock(data_directory, &pm, err);
    return rc != 0 ? rc : remove_this(data_directory, LOCK_FILE, text, err);
}
