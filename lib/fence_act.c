/* fence_act.c - stop, continue, kill; see fence.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "fence_private.h"
#include "mono.h"

/* Between two looks: a signalled process needs a moment of its own to stop or end. */
#define PAUSE_NS 300000

static void pause_shortly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static int refused(const struct proc *proc, int code, struct err *err)
{
    return err_set(err, code, "could not signal process %d: %s", (int)proc->pid,
                   strerror(-code));
}

static int send_to(const struct proc *proc, int signal, struct err *err)
{
    int r = proc_signal(proc->pid, proc->start, signal);

    return r == 0 || r == -ESRCH ? 0 : refused(proc, r, err);
}

/* One signal to every member that `wants` it; the number of those, or -errno when one
 * could not be signalled (the others were). The postmaster is first or last. */
static int signal_all(struct fence *fence,
                      int signal,
                      bool (*wants)(const struct proc *),
                      bool postmaster_first,
                      struct err *err)
{
    int n = 0, failed = 0;

    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < fence->n_processes; i++) {
            const struct fence_process *process = &fence->processes[i];
            bool first = fence_is_postmaster(fence, &process->proc) == postmaster_first;
            int r;

            if (!process->member || !wants(&process->proc) || first != (round == 0))
                continue;
            r = send_to(&process->proc, signal, err);
            if (r < 0)
                failed = r;
            n++;
        }
    return failed < 0 ? failed : n;
}

static bool is_running(const struct proc *proc)
{
    return !proc_is_stopped(proc);
}

static bool is_any(const struct proc *proc)
{
    (void)proc;
    return true;
}

/* Before anything else: a stopped postmaster starts nobody. */
static int stop_postmaster(struct fence *fence, struct err *err)
{
    struct proc proc;
    int r = fence_refresh(fence, err);

    if (r < 0)
        return r;
    proc = (struct proc){.pid = fence->pid, .start = fence->start};
    return fence->pid == 0 ? 0 : send_to(&proc, SIGSTOP, err);
}

static const struct proc *first_member(const struct fence *fence,
                                       bool (*wants)(const struct proc *))
{
    for (size_t i = 0; i < fence->n_processes; i++)
        if (fence->processes[i].member && wants(&fence->processes[i].proc))
            return &fence->processes[i].proc;
    return NULL;
}

static int
still(const struct proc *proc, const char *what, int64_t budget_ms, struct err *err)
{
    return err_set(err, FENCE_E_WORKING,
                   "process %d (state %c) has not %s within %lld ms", (int)proc->pid,
                   proc->state, what, (long long)budget_ms);
}

int fence_freeze(struct fence *fence, int64_t budget_ms, struct err *err)
{
    struct mono end = mono_add(mono_now(), budget_ms);
    int quiet = 0;
    int n = stop_postmaster(fence, err);

    if (n < 0)
        return n;
    for (;;) {
        n = fence_scan(fence, err);
        if (n == 0)
            n = signal_all(fence, SIGSTOP, is_running, true, err);
        if (n < 0)
            return n;
        quiet = n == 0 ? quiet + 1 : 0;
        if (quiet == 2)
            break;
        if (mono_reached(end, mono_now()) && n > 0)
            return still(first_member(fence, is_running), "stopped", budget_ms, err);
        if (n > 0)
            pause_shortly();
    }
    return first_member(fence, is_any) != NULL ? 0 : FENCE_E_GONE;
}

int fence_thaw(struct fence *fence, int64_t budget_ms, struct err *err)
{
    struct mono end = mono_add(mono_now(), budget_ms);
    int n = fence_refresh(fence, err);

    if (n < 0)
        return n;
    for (;;) {
        n = fence_scan(fence, err);
        if (n == 0)
            n = signal_all(fence, SIGCONT, proc_is_stopped, false, err);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        if (mono_reached(end, mono_now()))
            return still(first_member(fence, proc_is_stopped), "gone on", budget_ms,
                         err);
        pause_shortly();
    }
    return first_member(fence, is_any) != NULL ? 0 : FENCE_E_GONE;
}

int fence_kill_begin(struct fence *fence, struct err *err)
{
    int r = stop_postmaster(fence, err);

    if (r == 0)
        r = fence_scan(fence, err);
    if (r < 0)
        return r;
    r = signal_all(fence, SIGKILL, is_any, true, err);
    return r < 0 ? r : 0;
}

int fence_kill_poll(struct fence *fence, struct err *err)
{
    int r = fence_scan(fence, err);
    unsigned long attached;

    if (r == 0)
        r = signal_all(fence, SIGKILL, is_any, true, err);
    if (r < 0)
        return r;
    if (r > 0) {
        const struct proc *proc = first_member(fence, is_any);

        return err_set(err, FENCE_E_WORKING, "process %d (state %c) has not ended yet",
                       (int)proc->pid, proc->state);
    }
    attached = fence_attached(fence);
    if (attached > 0)
        return err_set(err, FENCE_E_WORKING,
                       "%lu processes that cannot be seen are attached to the shared "
                       "memory",
                       attached);
    return 0;
}

int fence_kill(struct fence *fence, int64_t budget_ms, struct err *err)
{
    struct mono end = mono_add(mono_now(), budget_ms);
    int r = fence_kill_begin(fence, err);

    while (r == 0) {
        r = fence_kill_poll(fence, err);
        if (r != FENCE_E_WORKING || mono_reached(end, mono_now()))
            return r;
        pause_shortly();
        r = 0;
    }
    return r;
}
