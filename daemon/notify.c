/* notify.c - a thin layer over libsystemd. */
#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "mono.h"

void notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void notify_status(const char *fmt, ...)
{
    char status[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(status, sizeof status, fmt, args);
    va_end(args);
    (void)sd_notifyf(0, "STATUS=%s", status);
}

/* MONOTONIC_USEC= is what Type=notify-reload (systemd 253) wants with it. */
void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_now().ms * 1000);
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int64_t notify_watchdog_interval_ms(void)
{
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    return (int64_t)(usec / 2000);
}
