/* proc.c - see proc.h. System calls on small buffers of the stack. */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_SIZE 48

/* Numbers of the kernel's generic table, the same on every architecture but alpha;
 * glibc has names for the calls from 2.36 on only. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static const char *proc_path(char buf[static PATH_SIZE], pid_t pid, const char *name)
{
    (void)snprintf(buf, PATH_SIZE, "/proc/%d/%s", (int)pid, name);
    return buf;
}

/* The beginning of a file, NUL-terminated; its length, or -1. */
static ssize_t read_start(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    do
        n = read(fd, buf, size - 1);
    while (n < 0 && errno == EINTR);
    (void)close(fd);
    if (n >= 0)
        buf[n] = '\0';
    return n;
}

bool proc_read(pid_t pid, struct proc *ret)
{
    char path[PATH_SIZE], text[1024];
    const char *rest;
    unsigned long long start;
    int parent;
    char state;

    if (read_start(proc_path(path, pid, "stat"), text, sizeof text) <= 0)
        return false;
    rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (rest == NULL ||
        sscanf(rest,
               ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
               "%*d %*d %llu",
               &state, &parent, &start) != 3)
        return false;
    *ret = (struct proc){.pid = pid, .parent = parent, .start = start, .state = state};
    return true;
}

bool proc_is_alive(pid_t pid, uint64_t start)
{
    struct proc proc;

    return proc_read(pid, &proc) && proc.start == start && !proc_is_dead(&proc);
}

bool proc_link_is(pid_t pid, const char *link, dev_t device, ino_t inode)
{
    char path[PATH_SIZE];
    struct stat st;

    return stat(proc_path(path, pid, link), &st) == 0 && st.st_dev == device &&
           st.st_ino == inode;
}

bool proc_program_is(pid_t pid, const char *name)
{
    static const char removed[] = " (deleted)"; /* by an upgrade */
    char path[PATH_SIZE], program[4096];
    ssize_t n = readlink(proc_path(path, pid, "exe"), program, sizeof program - 1);
    const char *base;
    size_t length = strlen(name);

    program[n > 0 ? n : 0] = '\0';
    base = strrchr(program, '/');
    return base != NULL && strncmp(base + 1, name, length) == 0 &&
           (base[1 + length] == '\0' || strcmp(base + 1 + length, removed) == 0);
}

bool proc_title_begins(pid_t pid, const char *title)
{
    char path[PATH_SIZE], text[128];

    return read_start(proc_path(path, pid, "cmdline"), text, sizeof text) > 0 &&
           strncmp(text, title, strlen(title)) == 0;
}

/* "7f68bcef6000-7f68bcef7000 rw-s 00000000 00:01 33005    /SYSV00a72061 (deleted)" */
static bool is_segment_line(const char *line, int shm_id)
{
    unsigned long long inode;
    int at = 0;

    return sscanf(line, "%*s %*s %*s %*s %llu %n", &inode, &at) == 1 && at > 0 &&
           inode == (unsigned long long)shm_id && strncmp(line + at, "/SYSV", 5) == 0;
}

bool proc_maps_segment(pid_t pid, int shm_id)
{
    char path[PATH_SIZE], buf[8192];
    int fd = open(proc_path(path, pid, "maps"), O_RDONLY | O_CLOEXEC);
    size_t have = 0;
    bool found = false;

    while (fd >= 0 && !found) {
        ssize_t n = read(fd, buf + have, sizeof buf - 1 - have);
        char *line = buf, *end;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
        buf[have] = '\0';
        for (; !found && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            found = is_segment_line(line, shm_id);
        }
        have -= (size_t)(line - buf);
        memmove(buf, line, have);
        if (have == sizeof buf - 1) /* no line is that long: not one of ours */
            have = 0;
    }
    if (fd >= 0)
        (void)close(fd);
    return found;
}

/* Whoever has the pid now; the caller then looks who that is. */
static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int proc_open(pid_t pid, uint64_t start)
{
    int fd = pid > 0 ? pidfd_of(pid) : -1;

    if (fd >= 0 && !proc_is_alive(pid, start)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* The descriptor is taken first, the process compared second: a signal through it then
 * reaches the compared process or nobody. */
int proc_signal(pid_t pid, uint64_t start, int signal)
{
    int fd, r;

    if (pid <= 1)
        return -ESRCH;
    fd = pidfd_of(pid);
    if (fd < 0 && errno == ESRCH)
        return -ESRCH;
    if (!proc_is_alive(pid, start)) {
        r = -ESRCH;
    } else if (fd >= 0) {
        r = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0 ? 0 : -errno;
    } else { /* no pidfds: what remains is a window of microseconds */
        r = kill(pid, signal) == 0 ? 0 : -errno;
    }
    if (fd >= 0)
        (void)close(fd);
    return r;
}

static void visit_owned(
    int proc, const char *name, uid_t owner, void (*visit)(pid_t, void *), void *arg)
{
    struct stat st;

    if (name[0] < '1' || name[0] > '9')
        return;
    if (fstatat(proc, name, &st, 0) == 0 && st.st_uid == owner)
        visit((pid_t)strtol(name, NULL, 10), arg);
}

int proc_each(uid_t owner, void (*visit)(pid_t pid, void *arg), void *arg)
{
    _Alignas(struct dirent64) char buf[8192];
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ssize_t n;
    int r;

    if (fd < 0)
        return -errno;
    while ((n = getdents64(fd, buf, sizeof buf)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const void *)(buf + at);

            visit_owned(fd, entry->d_name, owner, visit, arg);
            at += entry->d_reclen;
        }
    r = n < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

void proc_boot_id(char ret[static PROC_BOOT_ID_SIZE])
{
    if (read_start("/proc/sys/kernel/random/boot_id", ret, PROC_BOOT_ID_SIZE) <= 0)
        ret[0] = '\0';
}
