/* pidfile.c - flock(2): the kernel forgets the lock when its holder dies. */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int taken(struct err *err, const char *path, int fd)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    (void)err_set(err, -EEXIST, "another pgrmond holds the PID file \"%s\"", path);
    err_detail(err, "its PID is %s", n > 0 ? pid : "not written yet");
    err_hint(err, "stop it first, or use another --pid-file");
    return -EEXIST;
}

static int write_pid(int fd)
{
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) < 0)
        return -errno;
    if (pwrite(fd, pid, (size_t)n, 0) != n)
        return errno != 0 ? -errno : -ENOSPC;
    return 0;
}

int pidfile_open(struct pidfile *ret, const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r;

    if (fd < 0) {
        r = -errno;
        return err_set(err, r, "cannot create the PID file \"%s\": %s", path,
                       strerror(-r));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = errno == EWOULDBLOCK ? taken(err, path, fd) : -errno;
        if (r != -EEXIST)
            (void)err_set(err, r, "cannot lock \"%s\": %s", path, strerror(-r));
        (void)close(fd);
        return r;
    }
    r = write_pid(fd);
    if (r < 0) {
        (void)err_set(err, r, "cannot write \"%s\": %s", path, strerror(-r));
        (void)close(fd);
        return r;
    }
    ret->fd = fd;
    ret->path = xstrdup(path);
    return 0;
}

void pidfile_close(struct pidfile *pidfile)
{
    if (pidfile->fd < 0)
        return;
    (void)unlink(pidfile->path);
    (void)close(pidfile->fd);
    free(pidfile->path);
    *pidfile = (struct pidfile)PIDFILE_NULL;
}
