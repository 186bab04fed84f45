/* sentry_child.c - what the sentry does. No libev, libpq or log here; what it has to
 * say it writes into the page and into state_directory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fence.h"
#include "guard.h"
#include "sentry_page.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* One call of the fence; then the orders are read again. */
#define FENCE_BUDGET_MS 200
/* The guard is on disk long since, as a rule. A disk that hangs must not save
 * PostgreSQL. */
#define GUARD_BUDGET_MS 1000

#define REALTIME_PRIORITY 10

struct watch {
    const struct sentry_duty *duty;
    struct sentry_page *page;
    struct fence fence;
};

/* ---- becoming a sentry ------------------------------------------------------------
 */

static void wake_up(int signal)
{
    (void)signal;
}

/* Whatever handlers and dispositions came from the daemon are gone. */
static void take_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE,
                                  SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        if (i != SIGKILL && i != SIGSTOP)
            (void)sigaction(i, &action, NULL);
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        (void)sigaction(ignored[i], &action, NULL);
    action.sa_handler = wake_up;
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A lock of the daemon's, and whoever waits for the end of its output, must not outlive
 * it in us. */
static void keep_only_the_page(int page_fd)
{
    int null;

    if (page_fd != SENTRY_PAGE_FD)
        (void)dup2(page_fd, SENTRY_PAGE_FD);
    if (syscall(SYS_close_range, SENTRY_PAGE_FD + 1, ~0U, 0) != 0) /* before 5.9 */
        for (int fd = SENTRY_PAGE_FD + 1; fd < 65536; fd++)
            (void)close(fd);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < SENTRY_PAGE_FD; fd++)
        (void)dup2(null, fd);
    if (null > SENTRY_PAGE_FD)
        (void)close(null);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* clang's way to say it */
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer's shadow is terabytes of address space. */
static bool lock_memory(void)
{
    return false;
}
#else
/* Only what runs here, not mlockall(): libpq and its libraries, mapped and never used
 * by the sentry, count as well, and would break the usual limit of 8 MiB. */
static bool is_needed(const char *line, const char *program)
{
    const char *path = strchr(line, '/');

    if (path == NULL)
        return strstr(line, "[stack]") != NULL || strstr(line, "[heap]") != NULL;
    return strncmp(path, program, strlen(program)) == 0 ||
           strstr(path, "/libc.so") != NULL || strstr(path, "/libc-") != NULL ||
           strstr(path, "/memfd:" SENTRY_COMM) != NULL;
}

static bool lock_memory(void)
{
    char line[4352], program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    FILE *maps = fopen("/proc/self/maps", "re");
    bool all = n > 0 && maps != NULL;

    program[n > 0 ? n : 0] = '\0';
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx", &from, &to) != 2 || !is_needed(line, program))
            continue;
        /* a mapping without permissions (a gap of a library) cannot be locked */
        if (strstr(line, " ---p ") == NULL && syscall(SYS_mlock, from, to - from) != 0)
            all = false;
    }
    if (maps != NULL)
        (void)fclose(maps);
    return all;
}
#endif

static bool be_realtime(void)
{
    const struct sched_param param = {.sched_priority = REALTIME_PRIORITY};

    return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) == 0;
}

/* Without CAP_SYS_RESOURCE it cannot be lowered, but a unit's OOMScoreAdjust= has come
 * to us from the daemon. */
static bool protect_from_oom(void)
{
    static const char wanted[] = "-999";
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    char text[16] = "";
    bool done = fd >= 0 && write(fd, wanted, sizeof wanted - 1) > 0;

    if (fd >= 0 && !done)
        done =
            pread(fd, text, sizeof text - 1, 0) > 0 && strtol(text, NULL, 10) <= -500;
    if (fd >= 0)
        (void)close(fd);
    return done;
}

/* ---- writing things down -----------------------------------------------------------
 */

/* Write aside and rename; no fsync, since after a crash of the host it says nothing. */
static void write_file(const struct watch *watch, const char *name, const char *text)
{
    char path[4096], beside[4128];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", watch->duty->settings.state_directory,
                   name);
    (void)snprintf(beside, sizeof beside, "%s.%d", path, (int)getpid());
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
        rename(beside, path) != 0)
        (void)unlink(beside);
    (void)close(fd);
}

static void write_name(const struct watch *watch)
{
    char text[128], boot[PROC_BOOT_ID_SIZE];
    struct proc self;

    proc_boot_id(boot);
    if (!proc_read(getpid(), &self))
        return;
    (void)snprintf(text, sizeof text, "%s %d %" PRIu64 "\n", boot, (int)self.pid,
                   self.start);
    write_file(watch, SENTRY_FILE, text);
}

static void write_deed(const struct watch *watch, const char *did)
{
    const struct sentry_page *page = watch->page;
    char text[512], boot[PROC_BOOT_ID_SIZE];

    proc_boot_id(boot);
    (void)snprintf(text, sizeof text, "%s %s %" PRId64 " %" PRId64 " %d %d\n%s\n", boot,
                   did, page->done_at, page->late_ms, page->ran, page->guarded,
                   page->text);
    write_file(watch, SENTRY_DEED_FILE, text);
}

static void say(struct sentry_page *page, const struct err *err)
{
    (void)snprintf(page->text, sizeof page->text, "%.255s", err->text);
}

/* ---- acting ------------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
    return mono_now().ms;
}

static void give_sign_of_life(struct sentry_page *page)
{
    page->beat_at = now_ms();
}

static void nap(int64_t ms)
{
    (void)nanosleep(
        &(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
        NULL);
}

static void done(struct sentry_page *page, int64_t deadline, enum sentry_deed deed)
{
    page->done_at = now_ms();
    page->late_ms = page->done_at - deadline;
    page->deed = (int)deed;
    page->state = deed == SENTRY_DID_KILL ? SENTRY_KILLED : SENTRY_FROZEN;
}

/* The deadlines were moved on: the daemon thaws, or has a new PostgreSQL. That it was
 * killed is kept until the daemon has heard of it. */
static void stand_by(struct sentry_page *page)
{
    if (page->state == SENTRY_KILLED && page->kill_told == 0)
        return;
    page->kill_told = 0;
    page->deed = SENTRY_DID_NOTHING;
    page->state = SENTRY_IDLE;
}

/* Until all are stopped, the orders have changed, or it is time to kill. */
static int freeze_until(struct watch *watch, int64_t deadline)
{
    struct sentry_page *page = watch->page;
    struct err err = ERR_INIT;
    int r;

    do {
        give_sign_of_life(page);
        r = fence_freeze(&watch->fence, FENCE_BUDGET_MS, &err);
        if (r != 0 && r != FENCE_E_GONE)
            say(page, &err);
        if (r < 0)
            nap(20);
    } while (r != 0 && r != FENCE_E_GONE && page->freeze_at <= deadline &&
             page->kill_at > now_ms() && page->retire == 0);
    return r;
}

/* Rule L4. Also again and again while it is frozen: another postmaster may have been
 * started, or somebody sent SIGCONT (systemctl stop does: postgres-facts 15). */
static void do_freeze(struct watch *watch)
{
    struct sentry_page *page = watch->page;
    bool again = page->state == SENTRY_FROZEN;
    int64_t deadline;
    int r;

    page->state = SENTRY_FREEZING;
    deadline = page->freeze_at; /* after the announcement: see sentry.h */
    if (deadline > now_ms()) {
        stand_by(page);
        return;
    }
    r = freeze_until(watch, deadline);
    if (again) {
        page->state = SENTRY_FROZEN;
        return;
    }
    page->ran = r != FENCE_E_GONE;
    done(page, deadline, SENTRY_DID_FREEZE);
    write_deed(watch, "frozen");
}

static int make_guard(const struct watch *watch)
{
    const char *directory = watch->duty->settings.data_directory;
    int r = 0;

    switch ((enum sentry_guard)watch->page->guard) {
    case SENTRY_GUARD_OFF:
        return 1;
    case SENTRY_GUARD_READ_ONLY:
        r = guard_arm(directory, NULL);
        break;
    case SENTRY_GUARD_HOLD:
        r = guard_hold(directory, NULL);
        break;
    }
    return r == 0 || r == GUARD_E_FOREIGN ? 0 : 1;
}

/* In a process of its own, since an fsync may take for ever. */
static bool guard_in_time(const struct watch *watch)
{
    int64_t end = now_ms() + GUARD_BUDGET_MS;
    pid_t pid = fork();
    int status = 1;

    if (pid == 0)
        _exit(make_guard(watch));
    if (pid < 0)
        return make_guard(watch) == 0;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        if (now_ms() > end) {
            (void)kill(pid, SIGKILL);
            return false;
        }
        nap(1);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Rule L6, until it is proved; the orders are not looked at any more. */
static void kill_and_prove(struct watch *watch)
{
    struct err err = ERR_INIT;

    while (fence_kill(&watch->fence, FENCE_BUDGET_MS, &err) != 0) {
        say(watch->page, &err);
        give_sign_of_life(watch->page);
        nap(20);
    }
    watch->page->text[0] = '\0';
}

static void do_kill(struct watch *watch)
{
    struct sentry_page *page = watch->page;
    enum sentry_state before = (enum sentry_state)page->state;
    enum fence_state state = FENCE_GONE;
    int64_t deadline;

    page->state = SENTRY_KILLING;
    deadline = page->kill_at;
    if (deadline > now_ms()) {
        page->state = (int)before;
        return;
    }
    (void)!fence_poll(&watch->fence, &state, NULL);
    page->ran = state != FENCE_GONE;
    page->guarded = guard_in_time(watch);
    kill_and_prove(watch);
    done(page, deadline, SENTRY_DID_KILL);
    write_deed(watch, "killed");
}

/* What is due now. */
static void act(struct watch *watch)
{
    struct sentry_page *page = watch->page;
    int64_t now = now_ms();

    if (page->kill_at <= now && page->state != SENTRY_KILLED)
        do_kill(watch);
    else if (page->freeze_at <= now && page->state != SENTRY_KILLED)
        do_freeze(watch);
    else if (page->freeze_at > now && page->kill_at > now && page->state != SENTRY_IDLE)
        stand_by(page);
}

/* ---- the watch ---------------------------------------------------------------------
 */

static bool is_over(const struct watch *watch)
{
    const struct sentry_page *page = watch->page;

    if (page->retire != 0)
        return true;
    if (getppid() == watch->duty->daemon)
        return false;
    return page->keep != 0 || page->state == SENTRY_KILLED ||
           (page->freeze_at == INT64_MAX && page->kill_at == INT64_MAX);
}

/* An absolute time on the clock that counts a suspended host's time. */
static void sleep_until_due(const struct watch *watch)
{
    const struct sentry_page *page = watch->page;
    int64_t now = now_ms(), until = now + watch->duty->settings.beat_ms;
    struct timespec at;

    if (page->state == SENTRY_IDLE && page->freeze_at < until)
        until = page->freeze_at;
    if (page->state != SENTRY_KILLED && page->kill_at < until)
        until = page->kill_at;
    if (until <= now)
        return;
    at = (struct timespec){.tv_sec = until / 1000,
                           .tv_nsec = (long)(until % 1000) * 1000000};
    (void)clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &at, NULL);
}

/* Tell the former to end; by then our own name is written and our deadlines hold. Two
 * beats later it is not asked any more. */
static void relieve(const struct watch *watch, int beat)
{
    const struct sentry_former *former = &watch->duty->former;

    if (former->pid == 0 || beat > 3)
        return;
    if (beat == 0 && former->page != NULL) {
        former->page->retire = 1;
        (void)proc_signal(former->pid, former->start, SIGUSR1);
    } else if (beat == 3 || former->page == NULL) {
        (void)proc_signal(former->pid, former->start, SIGKILL);
    }
}

_Noreturn void sentry_run(const struct sentry_duty *duty)
{
    struct watch watch = {.duty = duty, .page = duty->page};

    keep_only_the_page(duty->page_fd);
    take_signals();
    (void)setsid();
    (void)prctl(PR_SET_NAME, SENTRY_COMM);
    (void)!chdir("/");
    fence_init(&watch.fence, duty->settings.data_directory);
    (void)!fence_learn(&watch.fence, NULL);
    watch.page->memory_locked = lock_memory();
    watch.page->realtime = be_realtime();
    watch.page->oom_protected = protect_from_oom();
    watch.page->pid = getpid();
    write_name(&watch);
    for (int beat = 0; !is_over(&watch); beat += beat < 100) {
        give_sign_of_life(watch.page);
        relieve(&watch, beat);
        (void)!fence_learn(&watch.fence, NULL);
        act(&watch);
        sleep_until_due(&watch);
    }
    _exit(0);
}
