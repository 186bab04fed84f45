/* daemonize.c - daemon(7), "SysV daemons", with a pipe to report the start. */
#include "daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the original process: wait for the verdict. */
static _Noreturn void await(int fd, pid_t child)
{
    unsigned char code = 1;

    (void)waitpid(child, NULL, 0);
    while (read(fd, &code, 1) < 0 && errno == EINTR)
        ;
    _exit(code);
}

int daemonize(int *ret_report, struct err *err)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot create a pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0)
        return err_set(err, -errno, "cannot fork: %s", strerror(errno));
    if (pid > 0) {
        (void)close(fds[1]);
        await(fds[0], pid);
    }
    (void)close(fds[0]);
    (void)setsid();
    pid = fork(); /* no session leader: never gets a terminal again */
    if (pid < 0)
        _exit(1);
    if (pid > 0)
        _exit(0);
    if (chdir("/") < 0)
        _exit(1);
    *ret_report = fds[1];
    return 0;
}

void daemonize_report(int *report, int exit_code)
{
    unsigned char code = (unsigned char)exit_code;
    int null;

    if (*report < 0)
        return;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0)
        for (int fd = 0; fd <= 2; fd++)
            (void)dup2(null, fd);
    if (null > 2)
        (void)close(null);
    if (write(*report, &code, 1) < 0) {
        /* whoever started us is gone; nobody to tell */
    }
    (void)close(*report);
    *report = -1;
}
