/* programs.c - see programs.h. */
#include "programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"

#define VERSION_TIMEOUT_MS 10000

/* Takes `path` over; NULL when it cannot be executed. */
static char *if_executable(char *path)
{
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static char *find_in_path(const char *name)
{
    const char *path = getenv("PATH");

    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char *found = if_executable(xasprintf("%.*s/%s", (int)length, path, name));

        if (found != NULL)
            return found;
        path += length + (path[length] == ':');
    }
    return NULL;
}

char *programs_find(const struct config *config, const char *name, int major)
{
    char *found = NULL;

    if (config->pg_bindir != NULL && config->pg_bindir[0] != '\0')
        return if_executable(xasprintf("%s/%s", config->pg_bindir, name));
    if (major > 0)
        found = if_executable(xasprintf("/usr/lib/postgresql/%d/bin/%s", major, name));
    if (found == NULL && major > 0)
        found = if_executable(xasprintf("/usr/pgsql-%d/bin/%s", major, name));
    return found != NULL ? found : find_in_path(name);
}

static void keep_version(void *arg, const char *line)
{
    const char *number = strstr(line, ") ");

    if (number != NULL)
        *(int *)arg = atoi(number + 2);
}

int programs_version(const char *path)
{
    const char *argv[] = {path, "--version", NULL};
    int version = 0;
    struct child_options options = {.argv = argv,
                                    .pass_fd = -1,
                                    .timeout_ms = VERSION_TIMEOUT_MS,
                                    .on_line = keep_version,
                                    .arg = &version};
    struct child_result result;

    if (child_run(&options, &result, NULL) != 0 || !child_succeeded(&result))
        return 0;
    return version;
}

bool programs_is_owner(const char *data_directory)
{
    struct stat st;

    return stat(data_directory, &st) == 0 && st.st_uid == geteuid();
}
