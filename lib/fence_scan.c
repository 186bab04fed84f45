/* fence_scan.c - which processes belong to the PostgreSQL of a data directory: rules M1
 * to M5 of fence.h, in this order. Whoever is not marked is never signalled. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fence_private.h"

/* Grow an array by half. Out of memory ends the program, as everywhere. */
static void *grow(void *items, size_t *size, size_t item_size)
{
    *size = *size == 0 ? 256 : *size + *size / 2;
    items = realloc(items, *size * item_size);
    if (items == NULL)
        err_out_of_memory();
    return items;
}

static void collect(pid_t pid, void *arg)
{
    struct fence *fence = arg;
    struct proc proc;

    if (pid == getpid() || !proc_read(pid, &proc) || proc_is_dead(&proc))
        return;
    if (fence->n_processes == fence->processes_size)
        fence->processes =
            grow(fence->processes, &fence->processes_size, sizeof *fence->processes);
    fence->processes[fence->n_processes++] = (struct fence_process){.proc = proc};
}

static int by_pid(const void *a, const void *b)
{
    const struct fence_process *x = a, *y = b;

    return (x->proc.pid > y->proc.pid) - (x->proc.pid < y->proc.pid);
}

static const struct fence_process *find(const struct fence *fence, pid_t pid)
{
    struct fence_process key = {.proc.pid = pid};

    if (fence->n_processes == 0)
        return NULL;
    return bsearch(&key, fence->processes, fence->n_processes, sizeof key, by_pid);
}

/* Runs the postmaster's program in the data directory. */
static bool is_server(const struct fence *fence, pid_t pid)
{
    return fence->exe_inode != 0 &&
           proc_link_is(pid, "exe", fence->exe_device, fence->exe_inode) &&
           proc_link_is(pid, "cwd", fence->device, fence->inode);
}

/* Rules M2 and M3: its parent is a member. */
static bool is_descendant(const struct fence *fence, const struct proc *proc)
{
    const struct fence_process *parent = find(fence, proc->parent);

    if (parent == NULL || !parent->member || parent->proc.start > proc->start)
        return false;
    return !fence_is_postmaster(fence, &parent->proc) || is_server(fence, proc->pid);
}

static void mark_descendants(struct fence *fence)
{
    bool again = true;

    while (again) { /* as often as the tree is deep */
        again = false;
        for (size_t i = 0; i < fence->n_processes; i++) {
            struct fence_process *process = &fence->processes[i];

            if (process->member || !is_descendant(fence, &process->proc))
                continue;
            process->member = true;
            again = true;
        }
    }
}

static bool maps_one_of_ours(const struct fence *fence, pid_t pid)
{
    for (size_t i = 0; i < fence->n_segments; i++)
        if (proc_maps_segment(pid, fence->segments[i].id))
            return true;
    return false;
}

/* Rule M4, cheapest question first. */
static bool is_orphan(const struct fence *fence, const struct proc *proc)
{
    if (!proc_link_is(proc->pid, "cwd", fence->device, fence->inode))
        return false;
    if (fence->exe_inode != 0 && !is_server(fence, proc->pid))
        return false;
    if (fence->exe_inode != 0 && is_server(fence, proc->parent))
        return false;
    if (fence->exe_inode != 0 && proc_title_begins(proc->pid, "postgres: "))
        return true;
    return maps_one_of_ours(fence, proc->pid);
}

/* Rule M5. */
static bool is_known(const struct fence *fence, const struct proc *proc)
{
    for (size_t i = 0; i < fence->n_known; i++)
        if (fence->known[i].pid == proc->pid && fence->known[i].start == proc->start)
            return true;
    return false;
}

/* The members of this look are what the next one knows; the dead drop out. */
static void remember(struct fence *fence)
{
    fence->n_known = 0;
    for (size_t i = 0; i < fence->n_processes; i++) {
        const struct fence_process *process = &fence->processes[i];

        if (!process->member)
            continue;
        if (fence->n_known == fence->known_size)
            fence->known = grow(fence->known, &fence->known_size, sizeof *fence->known);
        fence->known[fence->n_known++] = (struct fence_known){
            .pid = process->proc.pid,
            .start = process->proc.start,
        };
    }
}

int fence_scan(struct fence *fence, struct err *err)
{
    int r;

    fence->n_processes = 0;
    r = proc_each(fence->owner, collect, fence);
    if (r < 0)
        return err_set(err, r, "could not read \"/proc\": %s", strerror(-r));
    if (fence->n_processes > 0)
        qsort(fence->processes, fence->n_processes, sizeof *fence->processes, by_pid);
    for (size_t i = 0; i < fence->n_processes; i++) {
        struct fence_process *process = &fence->processes[i];

        process->member = fence_is_postmaster(fence, &process->proc) ||
                          is_known(fence, &process->proc);
    }
    mark_descendants(fence);
    for (size_t i = 0; i < fence->n_processes; i++)
        if (!fence->processes[i].member)
            fence->processes[i].member = is_orphan(fence, &fence->processes[i].proc);
    mark_descendants(fence);
    remember(fence);
    return 0;
}
