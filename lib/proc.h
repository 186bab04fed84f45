/* proc.h - single processes as /proc shows them, and signals that hit no other.
 *
 * A process is named by its pid *and* its start time, since pids are used again. No
 * function here uses the heap: the sentry runs them when memory is short. */
#ifndef PGRMON_PROC_H
#define PGRMON_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct proc {
    pid_t pid;
    pid_t parent;
    uint64_t start; /* clock ticks since boot; with the pid, it names one process */
    char state;     /* of proc(5): R S D T t Z X ... */
};

/* Read /proc/`pid`/stat. False when there is no such process. */
bool proc_read(pid_t pid, struct proc *ret);

/* True when the process is there, is this one, and is no zombie. */
bool proc_is_alive(pid_t pid, uint64_t start);

/* True when its program is gone for good: a zombie is only a record of it. */
static inline bool proc_is_dead(const struct proc *proc)
{
    return proc->state == 'Z' || proc->state == 'X' || proc->state == 'x';
}

/* Stopped by a signal, or held by a debugger. */
static inline bool proc_is_stopped(const struct proc *proc)
{
    return proc->state == 'T' || proc->state == 't';
}

/* True when /proc/PID/`link` ("cwd", "exe") is that file, renamed or removed or not. */
bool proc_link_is(pid_t pid, const char *link, dev_t device, ino_t inode);

/* True when the program that it runs has this name, as "/usr/bin/NAME". */
bool proc_program_is(pid_t pid, const char *name);

/* True when the command line begins with `title`. */
bool proc_title_begins(pid_t pid, const char *title);

/* True when the process has the System V segment with this id in its memory. */
bool proc_maps_segment(pid_t pid, int shm_id);

/* A descriptor (close-on-exec) that becomes readable when the process ends, or -1:
 * no such process any more, or a kernel without pidfds (before 5.3). */
int proc_open(pid_t pid, uint64_t start);

/* Send `signal` to this very process: 0, -ESRCH when it is gone, -EPERM. */
int proc_signal(pid_t pid, uint64_t start, int signal);

/* Call `visit` with the pid of every process that belongs to user `owner`. 0, or -errno
 * when /proc cannot be read. */
int proc_each(uid_t owner, void (*visit)(pid_t pid, void *arg), void *arg);

/* The id of this boot, 36 characters and NUL; "" when the kernel does not tell. */
#define PROC_BOOT_ID_SIZE 37
void proc_boot_id(char ret[static PROC_BOOT_ID_SIZE]);

#endif
