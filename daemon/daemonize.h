/* daemonize.h - detach, and let whoever started us know how the start went. */
#ifndef PGRMOND_DAEMONIZE_H
#define PGRMOND_DAEMONIZE_H

#include "err.h"

/* Fork twice into the background, in a session of our own. The child returns 0 with
 * `*ret_report` set, to be given to daemonize_report(). The original process does not
 * return: it ends with the exit code that the child reports, or 1 when the child dies
 * before. -errno (in the original process) when forking failed. */
int daemonize(int *ret_report, struct err *err) PGRMON_MUST_CHECK;

/* The start is over: let the original process end with `exit_code`. Standard streams
 * are closed from here on. Nothing happens with -1 or the second time. */
void daemonize_report(int *report, int exit_code);

#endif
