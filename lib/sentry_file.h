/* sentry_file.h - who is on duty: the file of the sentry (rule L7, daemon/sentry.h).
 *
 * `state_directory`/sentry holds boot id, pid and start time. A name that fits no
 * living process in all of boot, pid, start time, user and command name is a stale
 * file. */
#ifndef PGRMON_SENTRY_FILE_H
#define PGRMON_SENTRY_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SENTRY_COMM "pgrmond-sentry"
#define SENTRY_FILE "sentry" /* in state_directory */

/* The pid of the one on duty, and its start time; 0 when there is none. Blocks. */
pid_t sentry_file_read(const char *state_directory, uint64_t *ret_start);

/* True when `boot` is the id of this boot. */
bool sentry_file_is_of_this_boot(const char *boot);

#endif
