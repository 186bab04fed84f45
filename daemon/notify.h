/* notify.h - telling the service manager (sd_notify(3)); all of it does nothing
 * outside. */
#ifndef PGRMOND_NOTIFY_H
#define PGRMOND_NOTIFY_H

#include <stdint.h>

#include "err.h"

/* READY=1: after the start, and after a reload. */
void notify_ready(void);

/* STATUS=: state and reason, one line for `systemctl status`. */
void notify_status(const char *fmt, ...) PGRMON_PRINTF(1, 2);

/* RELOADING=1 and STOPPING=1. */
void notify_reloading(void);
void notify_stopping(void);

/* WATCHDOG=1, to be fed from the loop every notify_watchdog_interval_ms(): half of
 * WatchdogSec=, or 0 when the manager does not watch us. */
void notify_watchdog(void);
int64_t notify_watchdog_interval_ms(void);

#endif
