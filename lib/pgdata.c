/* pgdata.c - see pgdata.h. */
#include "pgdata.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "proc.h"

#define FILE_MAX_BYTES (1 << 20)

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

static int fail(struct err *err, const char *what, const char *path)
{
    int code = -errno;

    return err_set(err, code, "could not %s \"%s\": %s", what, path, strerror(-code));
}

static int read_all(int fd, char *text, size_t size)
{
    size_t n = 0;

    while (n < size) {
        ssize_t got = read(fd, text + n, size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (int)n;
}

int pgdata_read(const char *directory, const char *name, char **ret, struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, name);
    /* Not to wait for whoever writes into a FIFO (rejoin_mark.h). */
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *text;
    int n;

    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(err, "read", path);
    if (st.st_size > FILE_MAX_BYTES)
        return err_set(err, -EFBIG, "file \"%s\" is too large", path);
    text = xcalloc((size_t)st.st_size + 1, 1);
    n = read_all(fd, text, (size_t)st.st_size);
    if (n < 0) {
        free(text);
        errno = -n;
        return fail(err, "read", path);
    }
    *ret = text;
    return 0;
}

int pgdata_sync_directory(const char *path, struct err *err)
{
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        return fail(err, "make durable", path);
    return 0;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        left -= (size_t)n;
    }
    return fsync(fd);
}

int pgdata_write(const char *directory,
                 const char *name,
                 const char *text,
                 struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, name);
    char *temporary CLEANUP(cleanup_free) = xasprintf("%s.pgrmon", path);
    int fd CLEANUP(close_fd) =
        open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc;

    if (fd < 0)
        return fail(err, "create", temporary);
    if (write_all(fd, text) != 0 || rename(temporary, path) != 0) {
        rc = fail(err, "write", path);
        (void)unlink(temporary);
        return rc;
    }
    return pgdata_sync_directory(directory, err);
}

/* ---- what stands there ---------------------------------------------------------- */

static bool is_empty(DIR *dir)
{
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            return false;
    return true;
}

static int major_version(const char *directory)
{
    char *text CLEANUP(cleanup_free) = NULL;

    if (pgdata_read(directory, "PG_VERSION", &text, NULL) != 0)
        return 0;
    return (int)strtol(text, NULL, 10);
}

/* The first eight bytes of pg_control, in this machine's byte order (pg_control.h). */
static uint64_t system_identifier(const char *directory)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/global/pg_control", directory);
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t id = 0;

    if (fd < 0 || read(fd, &id, sizeof id) != (ssize_t)sizeof id)
        return 0;
    return id;
}

/* The beginning of ControlFileData, the same from 13 to 18; the version is the major
 * release times 100 that last changed the rest (1300, 1700, 1800). */
struct control_start {
    uint64_t system_identifier;
    uint32_t version;
    uint32_t catalog_version;
    uint32_t state;
};

int pgdata_control_state(const char *directory,
                         enum pgdata_control_state *ret,
                         struct err *err)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/global/pg_control", directory);
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
    struct control_start start;

    if (fd < 0)
        return fail(err, "read", path);
    if (read(fd, &start, sizeof start) != (ssize_t)sizeof start ||
        start.version < 1300 || start.version > 1899 ||
        start.state > PGDATA_CONTROL_IN_PRODUCTION)
        return err_set(err, -EINVAL,
                       "file \"%s\" is none that PostgreSQL 13 to 18 writes", path);
    *ret = (enum pgdata_control_state)start.state;
    return 0;
}

static bool exists(const char *directory, const char *name)
{
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", directory, name);

    return access(path, F_OK) == 0;
}

int pgdata_inspect(const char *directory, struct pgdata_info *ret, struct err *err)
{
    DIR *dir CLEANUP(close_dir) = NULL;
    struct stat st;

    *ret = (struct pgdata_info){.kind = PGDATA_ABSENT};
    if (stat(directory, &st) != 0)
        return errno == ENOENT ? 0 : fail(err, "look at directory", directory);
    ret->owner = st.st_uid;
    ret->mode = st.st_mode & 07777;
    ret->kind = PGDATA_NO_DIRECTORY;
    if (!S_ISDIR(st.st_mode))
        return 0;
    ret->kind = PGDATA_OTHER;
    dir = opendir(directory);
    if (dir == NULL)
        return fail(err, "read directory", directory);
    if (is_empty(dir)) {
        ret->kind = PGDATA_EMPTY;
        return 0;
    }
    ret->major_version = major_version(directory);
    ret->system_identifier = system_identifier(directory);
    ret->standby_signal = exists(directory, "standby.signal");
    if (ret->major_version != 0 && ret->system_identifier != 0)
        ret->kind = PGDATA_SERVER;
    return 0;
}

/* ---- whether a server uses it --------------------------------------------------- */

/* Line `n` (from 1) of `text`, cut to `size`, without blanks at its end. */
static void copy_line(const char *text, int n, char *ret, size_t size)
{
    size_t length;

    ret[0] = '\0';
    while (--n > 0) {
        text = strchr(text, '\n');
        if (text == NULL)
            return;
        text++;
    }
    length = strcspn(text, "\n");
    while (length > 0 && text[length - 1] == ' ')
        length--;
    if (length < size) {
        memcpy(ret, text, length);
        ret[length] = '\0';
    }
}

int pgdata_read_postmaster(const char *directory,
                           struct pgdata_postmaster *ret,
                           struct err *err)
{
    char *text CLEANUP(cleanup_free) = NULL;
    char line[64];
    long pid;
    int rc;

    *ret = (struct pgdata_postmaster){.shm_id = -1};
    rc = pgdata_read(directory, "postmaster.pid", &text, err);
    if (rc != 0)
        return rc;
    /* A standalone backend writes its pid negated. */
    pid = strtol(text, NULL, 10);
    ret->pid = (pid_t)labs(pid);
    ret->standalone = pid < 0;
    if (ret->pid <= 0)
        return err_set(err, -EINVAL, "file \"%s/postmaster.pid\" holds no process id",
                       directory);
    copy_line(text, 4, line, sizeof line);
    ret->port = (int)strtol(line, NULL, 10);
    copy_line(text, 5, ret->socket_directory, sizeof ret->socket_directory);
    copy_line(text, 6, ret->listen_address, sizeof ret->listen_address);
    copy_line(text, 7, line, sizeof line);
    if (sscanf(line, "%lu %d", &ret->shm_key, &ret->shm_id) != 2)
        ret->shm_id = -1;
    copy_line(text, 8, ret->status, sizeof ret->status);
    return 0;
}

static bool same_directory(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* True when /proc shows process `pid` as a PostgreSQL server. When /proc does not let
 * us see its program (another user's), its command name must do. */
static bool is_server_process(pid_t pid)
{
    char path[64], program[4096], name[32];
    ssize_t n;
    FILE *comm;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    n = readlink(path, program, sizeof program - 1);
    if (n > 0) {
        program[n] = '\0';
        return strstr(program, "/postgres") != NULL;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    comm = fopen(path, "re");
    if (comm == NULL)
        return false;
    if (fgets(name, sizeof name, comm) == NULL)
        name[0] = '\0';
    (void)fclose(comm);
    return strncmp(name, "postgres", 8) == 0;
}

static bool is_alive(pid_t pid)
{
    struct proc proc;

    return (kill(pid, 0) == 0 || errno == EPERM) &&
           !(proc_read(pid, &proc) && proc_is_dead(&proc)) && is_server_process(pid);
}

/* Another container's postmaster is not in our process table, but its socket may be:
 * the lock file beside it names the data directory, and somebody answers. */
static bool socket_answers(const char *directory, const struct pgdata_postmaster *pm)
{
    char *lock CLEANUP(cleanup_free) = NULL;
    char *text CLEANUP(cleanup_free) = NULL;
    char owner[1024];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd CLEANUP(close_fd) = -1;

    if (pm->socket_directory[0] == '\0' || pm->port <= 0)
        return false;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.90s/.s.PGSQL.%d",
                   pm->socket_directory, pm->port);
    lock = xasprintf("%s.lock", strrchr(address.sun_path, '/') + 1);
    if (pgdata_read(pm->socket_directory, lock, &text, NULL) != 0)
        return false;
    copy_line(text, 2, owner, sizeof owner);
    if (!same_directory(owner, directory))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* EAGAIN: somebody listens and is busy. */
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ||
           errno == EAGAIN;
}

/* A server process that works in the directory, whatever the pid file says. */
static pid_t find_worker(const char *directory)
{
    DIR *proc CLEANUP(close_dir) = opendir("/proc");
    const struct dirent *entry;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        char path[64];

        if (pid <= 0)
            continue;
        (void)snprintf(path, sizeof path, "/proc/%ld/cwd", pid);
        if (same_directory(path, directory) && is_server_process((pid_t)pid))
            return (pid_t)pid;
    }
    return 0;
}

/* Processes attached to the server's shared memory segment. */
static bool has_orphans(const struct pgdata_postmaster *pm)
{
    struct shmid_ds info;

    return pm->shm_id >= 0 && shmctl(pm->shm_id, IPC_STAT, &info) == 0 &&
           info.shm_nattch > 0;
}

enum pgdata_use pgdata_in_use(const char *directory, pid_t *ret_pid)
{
    struct pgdata_postmaster pm;
    pid_t worker;
    bool has_file = pgdata_read_postmaster(directory, &pm, NULL) == 0;

    if (ret_pid != NULL)
        *ret_pid = has_file ? pm.pid : 0;
    if (has_file && is_alive(pm.pid))
        return PGDATA_RUNNING;
    if (has_file && socket_answers(directory, &pm))
        return PGDATA_RUNNING;
    worker = find_worker(directory);
    if (ret_pid != NULL)
        *ret_pid = worker;
    if (worker != 0 || (has_file && has_orphans(&pm)))
        return has_file ? PGDATA_ORPHANS : PGDATA_RUNNING;
    return PGDATA_IDLE;
}
