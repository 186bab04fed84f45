/* sentry.c - the daemon's side of the sentry; the child's is sentry_child.c. */
#include "sentry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "pgdata.h"
#include "sentry_page.h"

/* Beats without a sign of life until it counts as stuck. */
#define PATIENCE 10

struct sentry {
    struct sentry_page *page;
    pid_t pid;
    uint64_t start;
    int watch; /* pidfd, -1 without */
    int64_t beat_ms;
    struct mono started;
};

struct sentry_report sentry_page_report(const struct sentry_page *page)
{
    struct sentry_report report = {
        .did = (enum sentry_deed)page->deed,
        .at = MONO_NEVER,
        .memory_locked = page->memory_locked != 0,
        .realtime = page->realtime != 0,
        .oom_protected = page->oom_protected != 0,
    };

    if (report.did != SENTRY_DID_NOTHING) {
        report.at = (struct mono){page->done_at};
        report.late_ms = page->late_ms;
        report.ran = page->ran != 0;
        report.guarded = page->guarded != 0;
    }
    memcpy(report.text, page->text, sizeof report.text);
    report.text[sizeof report.text - 1] = '\0';
    return report;
}

/* ---- the one on duty before ------------------------------------------------------ */

/* The page of a former sentry: NULL when it cannot be had or is another version's. */
static struct sentry_page *map_page_of(pid_t pid)
{
    char path[48];
    struct sentry_page *page;
    struct stat st;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, SENTRY_PAGE_FD);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    page = fstat(fd, &st) == 0 && st.st_size == SENTRY_PAGE_SIZE
               ? mmap(NULL, SENTRY_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
               : MAP_FAILED;
    (void)close(fd);
    if (page == MAP_FAILED)
        return NULL;
    if (page->magic == SENTRY_MAGIC && page->version == SENTRY_VERSION &&
        page->pid == pid)
        return page;
    (void)munmap(page, SENTRY_PAGE_SIZE);
    return NULL;
}

static struct sentry_former find_former(const char *state_directory)
{
    struct sentry_former former = {.pid = 0};

    former.pid = sentry_file_read(state_directory, &former.start);
    if (former.pid != 0)
        former.page = map_page_of(former.pid);
    return former;
}

/* What one that has ended since left written; it is told once. */
static struct sentry_report take_deed(const char *state_directory)
{
    struct sentry_report report = {.at = MONO_NEVER};
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" SENTRY_DEED_FILE, state_directory);
    char *text CLEANUP(cleanup_free) = NULL;
    char boot[PROC_BOOT_ID_SIZE], did[16];
    int ran, guarded, r = pgdata_read(state_directory, SENTRY_DEED_FILE, &text, NULL);

    (void)unlink(path);
    if (r != 0 ||
        sscanf(text, "%36s %15s %" SCNd64 " %" SCNd64 " %d %d", boot, did,
               &report.at.ms, &report.late_ms, &ran, &guarded) != 6 ||
        !sentry_file_is_of_this_boot(boot))
        return (struct sentry_report){.at = MONO_NEVER};
    report.did = strcmp(did, "killed") == 0   ? SENTRY_DID_KILL
                 : strcmp(did, "frozen") == 0 ? SENTRY_DID_FREEZE
                                              : SENTRY_DID_NOTHING;
    report.ran = ran != 0;
    report.guarded = guarded != 0;
    return report;
}

/* ---- starting -------------------------------------------------------------------- */

static struct sentry_page *make_page(int *ret_fd, struct err *err)
{
    int fd = memfd_create(SENTRY_COMM, MFD_CLOEXEC);
    struct sentry_page *page = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, SENTRY_PAGE_SIZE) == 0)
        page = mmap(NULL, SENTRY_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        (void)err_set(err, -errno, "cannot make the sentry's page: %s",
                      strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    page->magic = SENTRY_MAGIC;
    page->version = SENTRY_VERSION;
    page->freeze_at = INT64_MAX;
    page->kill_at = INT64_MAX;
    *ret_fd = fd;
    return page;
}

/* A kill that was done is not done again to a PostgreSQL that came back guarded; what
 * was half done is done again from the start. */
static void inherit(struct sentry_page *page, const struct sentry_page *former)
{
    page->freeze_at = former->freeze_at;
    page->kill_at = former->kill_at;
    page->guard = former->guard;
    page->keep = former->keep;
    if (former->state != SENTRY_KILLED)
        return;
    page->done_at = former->done_at;
    page->late_ms = former->late_ms;
    page->ran = former->ran;
    page->guarded = former->guarded;
    page->deed = SENTRY_DID_KILL;
    page->state = SENTRY_KILLED;
}

static struct sentry *adopt(const struct sentry_duty *duty, pid_t pid)
{
    struct sentry *sentry = xcalloc(1, sizeof *sentry);
    struct proc proc = {.start = 0};

    (void)proc_read(pid,
                    &proc); /* our child: its pid is not used again before a wait */
    *sentry = (struct sentry){
        .page = duty->page,
        .pid = pid,
        .start = proc.start,
        .watch = proc_open(pid, proc.start),
        .beat_ms = duty->settings.beat_ms,
        .started = mono_now(),
    };
    return sentry;
}

/* No handler of the daemon must run in the child, not even before it has its own. */
static pid_t fork_child(const struct sentry_duty *duty)
{
    sigset_t all, before;
    pid_t pid;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        sentry_run(duty);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

int sentry_start(struct sentry **ret,
                 const struct sentry_settings *settings,
                 struct sentry_report *ret_former,
                 struct err *err)
{
    struct sentry_duty duty = {.settings = *settings, .daemon = getpid()};
    struct sentry_report report;
    int code = 0;
    pid_t pid;

    duty.page = make_page(&duty.page_fd, err);
    if (duty.page == NULL)
        return err != NULL ? err->code : -ENOMEM;
    duty.former = find_former(settings->state_directory);
    if (duty.former.page != NULL)
        inherit(duty.page, duty.former.page);
    report = take_deed(settings->state_directory);
    if (duty.former.page != NULL)
        report = sentry_page_report(duty.former.page);
    if (ret_former != NULL)
        *ret_former = report;
    pid = fork_child(&duty);
    if (pid < 0)
        code = err_set(err, -errno, "cannot fork the sentry: %s", strerror(errno));
    (void)close(duty.page_fd);
    if (duty.former.page != NULL)
        (void)munmap(duty.former.page, SENTRY_PAGE_SIZE);
    if (code != 0)
        (void)munmap(duty.page, SENTRY_PAGE_SIZE);
    else
        *ret = adopt(&duty, pid);
    return code;
}

/* ---- on duty --------------------------------------------------------------------- */

static bool has_ended(const struct sentry *sentry)
{
    struct pollfd fd = {.fd = sentry->watch, .events = POLLIN};

    if (sentry->watch >= 0)
        return poll(&fd, 1, 0) != 0;
    return !proc_is_alive(sentry->pid, sentry->start);
}

int sentry_check(struct sentry *sentry, struct err *err)
{
    int64_t beat = sentry->page->beat_at;
    struct mono seen = beat != 0 ? (struct mono){beat} : sentry->started;
    int64_t silent = mono_diff(mono_now(), seen);

    if (has_ended(sentry))
        return err_set(err, SENTRY_E_LOST, "the sentry (PID %d) has ended",
                       (int)sentry->pid);
    /* Killing waits as long as it must: the reason why it takes long is ours, too. */
    if (silent > PATIENCE * sentry->beat_ms && sentry->page->state != SENTRY_KILLING)
        return err_set(err, SENTRY_E_LOST,
                       "the sentry (PID %d) has given no sign of life for %" PRId64
                       " ms",
                       (int)sentry->pid, silent);
    return beat != 0 ? 0 : SENTRY_E_STARTING;
}

bool sentry_alive(struct sentry *sentry)
{
    return sentry_check(sentry, NULL) == 0;
}

/* Its sleep ends at any signal that has a handler. */
static void wake(const struct sentry *sentry)
{
    if (sentry->page->beat_at != 0) /* the handler is there */
        (void)proc_signal(sentry->pid, sentry->start, SIGUSR1);
}

struct mono sentry_freeze_at(const struct sentry *sentry)
{
    return (struct mono){sentry->page->freeze_at};
}

int sentry_order(struct sentry *sentry, const struct sentry_orders *orders)
{
    struct sentry_page *page = sentry->page;
    bool sooner =
        orders->kill_at.ms < page->kill_at || orders->freeze_at.ms < page->freeze_at;

    page->guard = (int)orders->guard;
    page->keep = orders->keep;
    page->kill_at = orders->kill_at.ms;
    page->freeze_at = orders->freeze_at.ms;
    if (sooner)
        wake(sentry);
    switch ((enum sentry_state)page->state) { /* after the stores: see sentry.h */
    case SENTRY_IDLE:
    case SENTRY_FROZEN:
        return 0;
    case SENTRY_FREEZING:
    case SENTRY_KILLING:
        return SENTRY_E_BUSY;
    case SENTRY_KILLED:
        page->kill_told = 1;
        wake(sentry); /* so that it takes the orders up */
        return SENTRY_E_KILLED;
    }
    return 0;
}

struct sentry_report sentry_did(const struct sentry *sentry)
{
    return sentry_page_report(sentry->page);
}

int sentry_pid(const struct sentry *sentry)
{
    return (int)sentry->pid;
}

void sentry_stop(struct sentry *sentry)
{
    if (sentry == NULL)
        return;
    sentry->page->retire = 1;
    wake(sentry);
    sentry_leave(sentry);
}

void sentry_leave(struct sentry *sentry)
{
    (void)waitpid(sentry->pid, NULL, WNOHANG); /* of one that had ended before */
    if (sentry->watch >= 0)
        (void)close(sentry->watch);
    (void)munmap(sentry->page, SENTRY_PAGE_SIZE);
    free(sentry);
}
