/* sentry_page.h - shared by sentry*.c only: the page between daemon and sentry. */
#ifndef PGRMON_SENTRY_PAGE_H
#define PGRMON_SENTRY_PAGE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "proc.h"
#include "sentry.h"
#include "sentry_file.h"

#define SENTRY_MAGIC     0x73656e74U
#define SENTRY_VERSION   1U /* of struct sentry_page: another one is not understood */
#define SENTRY_PAGE_SIZE 4096
#define SENTRY_PAGE_FD   3             /* the page, in the sentry */
#define SENTRY_DEED_FILE "sentry.deed" /* what one did last */

enum sentry_state {
    SENTRY_IDLE,
    SENTRY_FREEZING, /* announced; see "Orders" in sentry.h */
    SENTRY_FROZEN,
    SENTRY_KILLING,
    SENTRY_KILLED,
};

/* All atomics are sequentially consistent. */
struct sentry_page {
    uint32_t magic;
    uint32_t version;
    _Atomic int32_t pid;

    /* written by the daemon */
    _Atomic int64_t freeze_at; /* milliseconds of CLOCK_BOOTTIME */
    _Atomic int64_t kill_at;
    _Atomic int guard;
    _Atomic int keep;
    _Atomic int retire;    /* end now; also written by the successor */
    _Atomic int kill_told; /* it knows of the kill: only then is it forgotten */

    /* written by the sentry */
    _Atomic int state;
    _Atomic int deed;        /* enum sentry_deed, of the present orders */
    _Atomic int64_t beat_at; /* 0 before it is armed */
    _Atomic int64_t done_at;
    _Atomic int64_t late_ms;
    _Atomic int ran;
    _Atomic int guarded;
    _Atomic int memory_locked;
    _Atomic int realtime;
    _Atomic int oom_protected;
    char text[256]; /* complete before `state` changes; for people */
};

_Static_assert(sizeof(struct sentry_page) <= SENTRY_PAGE_SIZE, "one page");

/* The one that the file named, when it lives. */
struct sentry_former {
    pid_t pid; /* 0: none */
    uint64_t start;
    struct sentry_page *page; /* NULL when it is not understood */
};

/* Everything that the child needs; made before the fork. */
struct sentry_duty {
    struct sentry_settings settings;
    struct sentry_page *page;
    int page_fd;
    pid_t daemon;
    struct sentry_former former;
};

/* The child. */
_Noreturn void sentry_run(const struct sentry_duty *duty);

/* What a page says. */
struct sentry_report sentry_page_report(const struct sentry_page *page);

#endif
