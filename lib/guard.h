/* guard.h - stands in for the module of branch `fence`; take theirs in a merge. */
#ifndef PGRMON_GUARD_H
#define PGRMON_GUARD_H

#include "err.h"

/* Make sure that standby.signal is there and durable: fsync of file and directory, also
 * when it was there before. 0 or -errno. */
int guard_arm(const char *data_directory, struct err *err) PGRMON_MUST_CHECK;

#endif
