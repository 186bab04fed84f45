/* fence.c - who the postmaster is, and what is there now; see fence.h. */
#include "fence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "fence_private.h"
#include "pgdata.h"

/* A file that was written this recently may be written again without a new time stamp:
 * the kernel's clock for files advances in ticks. */
#define STAMP_AGE_NS INT64_C(100000000)

void fence_init(struct fence *fence, const char *directory)
{
    *fence = (struct fence){
        .directory = xstrdup(directory),
        .watch = -1,
        .former_watch = -1,
    };
}

static void close_watch(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void fence_deinit(struct fence *fence)
{
    close_watch(&fence->watch);
    close_watch(&fence->former_watch);
    free(fence->directory);
    free(fence->processes);
    free(fence->known);
    *fence = (struct fence){.watch = -1, .former_watch = -1};
}

int fence_watch_fd(const struct fence *fence)
{
    return fence->watch;
}

pid_t fence_pid(const struct fence *fence)
{
    return fence->pid;
}

bool fence_is_postmaster(const struct fence *fence, const struct proc *proc)
{
    return fence->pid != 0 && proc->pid == fence->pid && proc->start == fence->start;
}

/* ---- shared memory -------------------------------------------------------------- */

static void remember_segment(struct fence *fence, const struct pgdata_postmaster *pm)
{
    struct fence_segment segment = {
        .id = pm->shm_id,
        .key = (int)pm->shm_key,
        .creator = pm->pid,
    };

    if (pm->shm_id < 0)
        return;
    for (size_t i = 0; i < fence->n_segments; i++)
        if (fence->segments[i].id == segment.id &&
            fence->segments[i].key == segment.key &&
            fence->segments[i].creator == segment.creator)
            return;
    if (fence->n_segments == FENCE_SEGMENTS) {
        memmove(fence->segments, fence->segments + 1,
                sizeof *fence->segments * (FENCE_SEGMENTS - 1));
        fence->n_segments--;
    }
    fence->segments[fence->n_segments++] = segment;
}

/* A removed segment loses its key and lives on until the last process lets go. */
static unsigned long attached_to(const struct fence_segment *segment)
{
    struct shmid_ds info;

    if (shmctl(segment->id, IPC_STAT, &info) != 0 || info.shm_cpid != segment->creator)
        return 0;
    if (info.shm_perm.__key != segment->key && info.shm_perm.__key != IPC_PRIVATE)
        return 0;
    return (unsigned long)info.shm_nattch;
}

unsigned long fence_attached(const struct fence *fence)
{
    unsigned long n = 0;

    for (size_t i = 0; i < fence->n_segments; i++)
        n += attached_to(&fence->segments[i]);
    return n;
}

/* ---- learning ------------------------------------------------------------------- */

/* True when `st` is the file that was read last. */
static bool same_stamp(const struct fence *fence, const struct stat *st)
{
    return fence->has_stamp && st->st_ino == fence->file_inode &&
           st->st_size == fence->file_size &&
           st->st_mtim.tv_sec == fence->modified.tv_sec &&
           st->st_mtim.tv_nsec == fence->modified.tv_nsec;
}

static void take_stamp(struct fence *fence, const struct stat *st)
{
    struct timespec now;
    int64_t age;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    age = ((int64_t)now.tv_sec - st->st_mtim.tv_sec) * 1000000000 + now.tv_nsec -
          st->st_mtim.tv_nsec;
    fence->has_stamp = age > STAMP_AGE_NS;
    fence->file_inode = st->st_ino;
    fence->file_size = st->st_size;
    fence->modified = st->st_mtim;
}

/* Rule M1. The file of a postmaster that died with its host may name anybody by now. */
static bool is_its_postmaster(const struct fence *fence,
                              const struct pgdata_postmaster *pm,
                              struct proc *ret)
{
    struct stat st;
    char path[32];

    (void)snprintf(path, sizeof path, "/proc/%d", (int)pm->pid);
    if (pm->standalone || !proc_read(pm->pid, ret) || proc_is_dead(ret) ||
        stat(path, &st) != 0 || st.st_uid != fence->owner ||
        !proc_link_is(pm->pid, "cwd", fence->device, fence->inode))
        return false;
    return pm->shm_id >= 0 ? proc_maps_segment(pm->pid, pm->shm_id)
                           : proc_program_is(pm->pid, "postgres"); /* just starting */
}

static void become(struct fence *fence, const struct proc *postmaster)
{
    char path[32];
    struct stat st;

    close_watch(&fence->former_watch);
    fence->former_watch = fence->watch;
    fence->pid = postmaster->pid;
    fence->start = postmaster->start;
    fence->n_known = 0;
    fence->watch = proc_open(fence->pid, fence->start);
    (void)snprintf(path, sizeof path, "/proc/%d/exe", (int)fence->pid);
    if (stat(path, &st) == 0) {
        fence->exe_device = st.st_dev;
        fence->exe_inode = st.st_ino;
    }
}

/* A directory that was swapped for another (a clone) has nothing to do with what was
 * remembered of the former one; unless that is still in use, under whatever name. */
static void forget(struct fence *fence, const struct stat *directory)
{
    if (fence->device == directory->st_dev && fence->inode == directory->st_ino)
        return;
    if (fence->pid != 0 && proc_is_alive(fence->pid, fence->start))
        return;
    fence->device = directory->st_dev;
    fence->inode = directory->st_ino;
    fence->owner = directory->st_uid;
    fence->has_stamp = false;
    fence->pid = 0;
    fence->start = 0;
    fence->exe_inode = 0;
    fence->n_segments = 0;
    fence->n_known = 0;
}

int fence_learn(struct fence *fence, struct err *err)
{
    char *path CLEANUP(cleanup_free) = NULL;
    struct pgdata_postmaster pm;
    struct stat directory, file;
    struct proc proc;

    if (stat(fence->directory, &directory) != 0)
        return err_set(err, -errno, "could not look at directory \"%s\": %s",
                       fence->directory, strerror(errno));
    forget(fence, &directory);
    path = xasprintf("%s/postmaster.pid", fence->directory);
    if (stat(path, &file) != 0) {
        fence->has_stamp = false;
        return errno == ENOENT ? 0
                               : err_set(err, -errno, "could not look at \"%s\": %s",
                                         path, strerror(errno));
    }
    if (same_stamp(fence, &file))
        return 0;
    if (pgdata_read_postmaster(fence->directory, &pm, NULL) != 0)
        return 0; /* just being written, or just removed: the next look tells */
    take_stamp(fence, &file);
    remember_segment(fence, &pm);
    if (!is_its_postmaster(fence, &pm, &proc)) {
        fence->has_stamp = false; /* dead, or not to be seen at this moment */
        return 0;
    }
    if (fence_is_postmaster(fence, &proc))
        return 0;
    become(fence, &proc);
    return FENCE_E_CHANGED;
}

/* ---- what is there -------------------------------------------------------------- */

static bool has_segment(const struct fence *fence)
{
    struct shmid_ds info;

    for (size_t i = 0; i < fence->n_segments; i++)
        if (shmctl(fence->segments[i].id, IPC_STAT, &info) == 0 &&
            info.shm_cpid == fence->segments[i].creator)
            return true;
    return fence->n_segments == 0;
}

static int hidden(const struct fence *fence, pid_t pid, struct err *err)
{
    (void)err_set(err, FENCE_E_HIDDEN,
                  "the processes of the PostgreSQL in \"%s\" cannot be seen from here",
                  fence->directory);
    err_detail(err,
               "it runs, and its postmaster has PID %d in a process or IPC namespace "
               "that is not ours: it could neither be stopped nor be proved gone",
               (int)pid);
    err_hint(err, "run pgrmond in the container of PostgreSQL, or let the two share "
                  "process and IPC namespaces (shareProcessNamespace: true)");
    return FENCE_E_HIDDEN;
}

static int forbidden(const struct fence *fence, struct err *err)
{
    (void)err_set(
        err, FENCE_E_FORBIDDEN,
        "the PostgreSQL in \"%s\" (PID %d) must not be signalled by this user",
        fence->directory, (int)fence->pid);
    err_hint(err, "run pgrmond as the user that runs PostgreSQL");
    return FENCE_E_FORBIDDEN;
}

static int is_init(const struct fence *fence, struct err *err)
{
    (void)err_set(err, FENCE_E_FORBIDDEN,
                  "the PostgreSQL in \"%s\" is process 1 of its container",
                  fence->directory);
    err_detail(err, "the kernel lets no process of the container stop or kill it");
    err_hint(err, "run the container with an init (\"docker run --init\")");
    return FENCE_E_FORBIDDEN;
}

int fence_may_signal(struct fence *fence, struct err *err)
{
    int r = fence_learn(fence, err);
    pid_t pid = 0;

    if (r < 0)
        return r;
    if (!proc_is_alive(fence->pid, fence->start)) {
        if (pgdata_in_use(fence->directory, &pid) == PGDATA_RUNNING)
            return hidden(fence, pid, err);
        return 0;
    }
    if (fence->pid == 1)
        return is_init(fence, err);
    if (kill(fence->pid, 0) != 0 && errno == EPERM)
        return forbidden(fence, err);
    return has_segment(fence) ? 0 : hidden(fence, fence->pid, err);
}

static enum fence_state judge(const struct fence *fence)
{
    bool alive = false, stopped = false, any = false, running = false;

    for (size_t i = 0; i < fence->n_processes; i++) {
        const struct proc *proc = &fence->processes[i].proc;

        if (!fence->processes[i].member)
            continue;
        any = true;
        if (fence_is_postmaster(fence, proc)) {
            alive = true;
            stopped = proc_is_stopped(proc);
        } else if (!proc_is_stopped(proc)) {
            running = true;
        }
    }
    if (!alive)
        return any || fence_attached(fence) > 0 ? FENCE_ORPHANS : FENCE_GONE;
    if (!stopped)
        return FENCE_RUNNING;
    return running ? FENCE_HALF_FROZEN : FENCE_FROZEN;
}

/* A directory that was removed or cannot be read is no reason to let go of processes
 * that are known. */
int fence_refresh(struct fence *fence, struct err *err)
{
    int r = fence_learn(fence, err);

    return r < 0 && fence->pid == 0 ? r : 0;
}

int fence_poll(struct fence *fence, enum fence_state *ret, struct err *err)
{
    int r = fence_refresh(fence, err);

    if (r == 0)
        r = fence_scan(fence, err);
    if (r < 0)
        return r;
    *ret = judge(fence);
    return 0;
}

bool fence_is_frozen(struct fence *fence)
{
    enum fence_state state;

    return fence_poll(fence, &state, NULL) == 0 && state == FENCE_FROZEN;
}

const char *fence_state_name(enum fence_state state)
{
    switch (state) {
    case FENCE_GONE:
        return "gone";
    case FENCE_RUNNING:
        return "running";
    case FENCE_FROZEN:
        return "frozen";
    case FENCE_HALF_FROZEN:
        return "half frozen";
    case FENCE_ORPHANS:
        return "orphans";
    }
    return "?";
}

int fence_was_clean(const char *directory, bool *ret, struct err *err)
{
    enum pgdata_control_state state;
    int r = pgdata_control_state(directory, &state, err);

    if (r != 0)
        return r;
    *ret = state == PGDATA_CONTROL_SHUT_DOWN ||
           state == PGDATA_CONTROL_SHUT_DOWN_IN_RECOVERY;
    return 0;
}
