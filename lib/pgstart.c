/* pgstart.c - see pgstart.h. */
#include "pgstart.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "err.h"
#include "pgdata.h"

/* As pg_ctl restart does it: "/path/postgres "-D" "/dir" ...". */
char *pgstart_options_of(const char *text)
{
    const char *options = strstr(text, " \""), *private;
    size_t length;

    if (options == NULL)
        return NULL;
    options++;
    length = strcspn(options, "\n");
    /* Written by the postmaster, a word in each pair of quotes. */
    if (length < 2 || options[length - 1] != '"')
        return NULL;
    private = strstr(options, " " PGSTART_PRIVATE_WORDS);
    if (private != NULL && private < options + length)
        length = (size_t)(private - options);
    return xasprintf("%.*s", (int)length, options);
}

/* The value of `data_directory = '...'` in a Debian cluster's postgresql.conf is the
 * path itself. */
static bool names_directory(const char *path, const char *data_directory)
{
    char line[PATH_MAX + 64], value[PATH_MAX];
    FILE *file = fopen(path, "re");
    bool found = false;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, " data_directory = '%4095[^']'", value) == 1)
            found = strcmp(value, data_directory) == 0;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* Debian keeps the configuration of a cluster in /etc/postgresql/VERSION/NAME. The path
 * of its postgresql.conf to free, or NULL. */
char *pgstart_debian_config(const struct config *config)
{
    glob_t found = {0};
    char *pattern CLEANUP(cleanup_free) = NULL;
    struct pgdata_info info = {0};
    char *path = NULL;

    if (pgdata_inspect(config->data_directory, &info, NULL) != 0)
        return NULL;
    pattern = xasprintf("/etc/postgresql/%d/*/postgresql.conf", info.major_version);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && path == NULL; i++)
            if (names_directory(found.gl_pathv[i], config->data_directory))
                path = xstrdup(found.gl_pathv[i]);
    globfree(&found);
    return path;
}

/* /var/log/postgresql/postgresql-15-main.log, as pg_ctlcluster names it. */
static char *debian_log(const char *config_file)
{
    char version[16], name[128], *path;

    if (sscanf(config_file, "/etc/postgresql/%15[^/]/%127[^/]/", version, name) != 2)
        return NULL;
    path = xasprintf("/var/log/postgresql/postgresql-%s-%s.log", version, name);
    if (access(path, W_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *pgstart_log(const struct config *config,
                  const char *config_file,
                  const char *remembered)
{
    char *path = NULL;

    if (remembered != NULL && remembered[0] != '\0' && access(remembered, W_OK) == 0)
        return xstrdup(remembered);
    if (config_file != NULL)
        path = debian_log(config_file);
    if (path != NULL)
        return path;
    if (access(config->state_directory, W_OK | X_OK) == 0)
        return xasprintf("%s/postgresql.log", config->state_directory);
    return xasprintf("%s/pgrmon-start.log", config->data_directory);
}

char *pgstart_options(const struct config *config, const char *config_file)
{
    char *text CLEANUP(cleanup_free) = NULL;
    char *options = NULL;

    if (pgdata_read(config->data_directory, "postmaster.opts", &text, NULL) == 0)
        options = pgstart_options_of(text);
    if (options == NULL && config_file != NULL)
        options = xasprintf("-c \"config_file=%s\"", config_file);
    return options != NULL ? options : xstrdup("");
}

bool pgstart_log_of(pid_t postmaster, char *buf, size_t size)
{
    char path[64];
    struct stat st;
    ssize_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/fd/2", (int)postmaster);
    if (postmaster <= 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    n = readlink(path, buf, size - 1);
    if (n <= 0)
        return false;
    buf[n] = '\0';
    return true;
}
