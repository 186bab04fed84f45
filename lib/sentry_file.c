/* sentry_file.c - see sentry_file.h. */
#include "sentry_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "pgdata.h"
#include "proc.h"

static bool is_sentry(pid_t pid, uint64_t start)
{
    char path[48], name[32] = "";
    struct stat st;
    FILE *file;

    if (pid <= 1 || !proc_is_alive(pid, start))
        return false;
    (void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &st) != 0 || st.st_uid != geteuid())
        return false;
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    if (fscanf(file, "%31s", name) != 1)
        name[0] = '\0';
    (void)fclose(file);
    return strcmp(name, SENTRY_COMM) == 0;
}

bool sentry_file_is_of_this_boot(const char *boot)
{
    char now[PROC_BOOT_ID_SIZE];

    proc_boot_id(now);
    return now[0] != '\0' && strcmp(now, boot) == 0;
}

pid_t sentry_file_read(const char *state_directory, uint64_t *ret_start)
{
    char *text CLEANUP(cleanup_free) = NULL;
    char boot[PROC_BOOT_ID_SIZE];
    int pid;

    if (pgdata_read(state_directory, SENTRY_FILE, &text, NULL) != 0 ||
        sscanf(text, "%36s %d %" SCNu64, boot, &pid, ret_start) != 3 ||
        !sentry_file_is_of_this_boot(boot) || !is_sentry(pid, *ret_start))
        return 0;
    return pid;
}
