/* state_file.c - the durable file on disk: see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "pgdata.h"
#include "state.h"

/* ---- the directory -------------------------------------------------------------- */

/* The directory that holds `path`; heap memory. */
static char *parent_of(const char *path)
{
    char *parent = xstrdup(path);
    size_t length = strlen(parent);
    char *slash;

    while (length > 1 && parent[length - 1] == '/')
        parent[--length] = '\0';
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        free(parent);
        return xstrdup(".");
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return parent;
}

int state_make_directory(const char *directory, struct err *err)
{
    char *parent CLEANUP(cleanup_free) = parent_of(directory);
    struct stat st;
    int rc;

    if (mkdir(directory, 0700) == 0)
        return pgdata_sync_directory(parent, err);
    rc = -errno;
    if (rc == -EEXIST && stat(directory, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    (void)err_set(err, rc, "could not create the state directory \"%s\": %s", directory,
                  strerror(-rc));
    if (rc == -ENOENT)
        err_hint(err, "execute \"install -d -m 0700 -o $(id -un) %s\" as root", parent);
    return rc;
}

/* ---- the lock ------------------------------------------------------------------- */

static int held(struct err *err, const char *path, int fd)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    (void)err_set(err, STATE_E_LOCKED, "another pgrmond holds \"%s\"", path);
    err_detail(err, "its PID is %s", pid[0] != '\0' ? pid : "not written yet");
    err_hint(err, "stop it first, or use another state_directory");
    return STATE_E_LOCKED;
}

static int write_pid(int fd)
{
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0)
        return -errno;
    errno = ENOSPC; /* of a short write */
    return pwrite(fd, pid, (size_t)n, 0) == n ? 0 : -errno;
}

int state_lock(const char *directory, int *ret_fd, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" STATE_LOCK_NAME, directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = 0;

    if (fd < 0)
        rc = -errno;
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        rc = errno == EWOULDBLOCK ? held(err, path, fd) : -errno;
    else
        rc = write_pid(fd);
    if (rc < 0)
        (void)err_set(err, rc, "could not lock \"%s\": %s", path, strerror(-rc));
    if (rc != 0 && fd >= 0)
        (void)close(fd);
    if (rc == 0)
        *ret_fd = fd;
    return rc;
}

/* ---- the file ------------------------------------------------------------------- */

static int check_owner(const struct state *state,
                       int node_id,
                       uint64_t expected,
                       const char *directory,
                       struct err *err)
{
    if (state->node_id != node_id) {
        (void)err_set(err, STATE_E_FOREIGN, "the state file is that of node %d, not %d",
                      state->node_id, node_id);
    } else if (expected != 0 && state->system_identifier != 0 &&
               state->system_identifier != expected) {
        (void)err_set(err, STATE_E_FOREIGN, "the state file is of another cluster");
        err_detail(err, "its system identifier is %llu, that of PostgreSQL %llu",
                   (unsigned long long)state->system_identifier,
                   (unsigned long long)expected);
    } else {
        return 0;
    }
    err_hint(err, "check node_id and state_directory (now \"%s\")", directory);
    return STATE_E_FOREIGN;
}

int state_load(const char *directory,
               int node_id,
               uint64_t expected,
               struct state *ret,
               struct err *err)
{
    char *text CLEANUP(cleanup_free) = NULL;
    struct state state = STATE_INIT;
    int rc = pgdata_read(directory, STATE_FILE_NAME, &text, err);

    if (rc == -ENOENT)
        return err_set(err, STATE_E_MISSING,
                       "there is no state file in directory \"%s\"", directory);
    if (rc == -EFBIG)
        return err_set(err, STATE_E_DAMAGED, "state file \"%s/%s\" is too large",
                       directory, STATE_FILE_NAME);
    if (rc != 0)
        return rc;
    rc = state_parse(text, &state, err);
    if (rc != 0) {
        err_prefix(err, "state file \"%s/%s\" is damaged", directory, STATE_FILE_NAME);
        return rc;
    }
    rc = check_owner(&state, node_id, expected, directory, err);
    if (rc != 0)
        state_free(&state);
    else
        *ret = state;
    return rc;
}

int state_save_text(const char *directory, const char *text, struct err *err)
{
    if (strlen(text) > STATE_MAX_BYTES)
        return err_set(err, -EFBIG, "the state is too large for a file");
    return pgdata_write(directory, STATE_FILE_NAME, text, err);
}

int state_save(const char *directory, const struct state *state, struct err *err)
{
    char *text CLEANUP(cleanup_free) = state_format(state);

    return state_save_text(directory, text, err);
}

int state_create(const char *directory, const struct state *state, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/" STATE_FILE_NAME, directory);
    struct stat st;
    int rc = state_make_directory(directory, err);

    if (rc != 0)
        return rc;
    if (lstat(path, &st) == 0)
        return err_set(err, -EEXIST, "there is a state file \"%s\" already", path);
    return state_save(directory, state, err);
}
