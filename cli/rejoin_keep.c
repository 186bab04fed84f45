/* rejoin_keep.c - what a rewind or a clone would destroy, copied aside first: WAL that
 * only this node has (rule J10), and the configuration of this node.
 *
 *   DATA_DIRECTORY.pgrmon-kept/20261125T140908Z/
 *       pg_wal/    segments from the last common checkpoint on, timeline histories
 *       config/    postgresql.conf and others that lie in the data directory
 *
 * Real copies: pg_rewind writes into files of pg_wal, so links would change with them.
 * The segments are also what a rewind that broke off needs to be done again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "progress.h"
#include "rejoin_run.h"

#define COPY_BYTES ((size_t)8 << 20)

static const char *const config_names[] = {
    "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf",
    "pg_ident.conf",   "server.crt",           "server.key",
    "root.crt",        "postmaster.opts",      NULL};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

static int fail(struct err *err, const char *what, const char *path)
{
    int code = -errno;

    (void)err_set(err, code, "could not %s \"%s\": %s", what, path, strerror(-code));
    return EXIT_CODE_SYSTEM;
}

/* ---- copying -------------------------------------------------------------------- */

static ssize_t copy_some(int from, int to)
{
    ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_BYTES, 0);
    static char buffer[1 << 16];

    if (n >= 0 ||
        (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
        return n;
    n = read(from, buffer, sizeof buffer);
    return n > 0 ? write(to, buffer, (size_t)n) : n;
}

/* Over what is there. Durable but for the directory. */
static int copy_file(const char *from, const char *to, struct err *err)
{
    int in CLEANUP(close_fd) = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out CLEANUP(close_fd) = -1;
    struct stat st;
    off_t done = 0;

    if (in < 0 || fstat(in, &st) != 0)
        return fail(err, "read", from);
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
               st.st_mode & 0700);
    if (out < 0)
        return fail(err, "write", to);
    while (done < st.st_size) {
        ssize_t n = copy_some(in, out);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, "copy", from);
        done += n;
    }
    return fsync(out) == 0 ? EXIT_CODE_SUCCESS : fail(err, "write", to);
}

static int make_directory(const char *path, struct err *err)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? EXIT_CODE_SUCCESS
                                                     : fail(err, "create", path);
}

/* ---- which files of pg_wal ------------------------------------------------------ */

struct wal {
    uint64_t segment_bytes;
    uint64_t from; /* number of the first segment that is kept */
    int n;
    int64_t bytes;
};

/* The number of a segment, of its name: 8 digits of timeline, 8 of the position's high
 * half, 8 of the segment within that. */
static bool segment_number(const char *name, const struct wal *wal, uint64_t *ret)
{
    unsigned high, low;
    char timeline[9];

    if (strspn(name, "0123456789ABCDEF") != 24 ||
        (name[24] != '\0' && strcmp(name + 24, ".partial") != 0))
        return false;
    if (sscanf(name, "%8[0-9A-F]%8X%8X", timeline, &high, &low) != 3)
        return false;
    *ret = (uint64_t)high * ((UINT64_C(1) << 32) / wal->segment_bytes) + low;
    return true;
}

static bool is_wanted(const char *name, const struct wal *wal)
{
    size_t length = strlen(name);
    uint64_t number;

    if (length > 8 && strcmp(name + length - 8, ".history") == 0)
        return true;
    return segment_number(name, wal, &number) && number >= wal->from;
}

/* Call `visit` with the path of each; stops at the first that fails. */
static int
each_wal(const char *directory,
         const struct wal *wal,
         int (*visit)(const char *path, const char *name, void *arg, struct err *err),
         void *arg,
         struct err *err)
{
    DIR *dir CLEANUP(close_dir) = opendir(directory);
    const struct dirent *entry;
    int code = EXIT_CODE_SUCCESS;

    if (dir == NULL)
        return fail(err, "read directory", directory);
    while (code == EXIT_CODE_SUCCESS && (entry = readdir(dir)) != NULL) {
        char *path CLEANUP(cleanup_free) = NULL;

        if (!is_wanted(entry->d_name, wal))
            continue;
        path = xasprintf("%s/%s", directory, entry->d_name);
        code = visit(path, entry->d_name, arg, err);
    }
    return code;
}

static int count(const char *path, const char *name, void *arg, struct err *err)
{
    struct wal *wal = arg;
    struct stat st;

    (void)name;
    if (stat(path, &st) != 0)
        return fail(err, "read", path);
    wal->n++;
    wal->bytes += st.st_size;
    return EXIT_CODE_SUCCESS;
}

struct copying {
    const char *to;
    struct progress progress;
    int64_t done, total;
};

static int copy_wal(const char *path, const char *name, void *arg, struct err *err)
{
    struct copying *copying = arg;
    char *to CLEANUP(cleanup_free) = xasprintf("%s/%s", copying->to, name);
    int code = copy_file(path, to, err);
    struct stat st;

    if (code == EXIT_CODE_SUCCESS && stat(to, &st) == 0)
        copying->done += st.st_size;
    progress_set(&copying->progress, copying->done / 1024, copying->total / 1024,
                 mono_now());
    progress_show(&copying->progress, mono_now());
    return code;
}

static int
copy_all_wal(const char *from, const char *to, const struct wal *wal, struct err *err)
{
    struct copying copying = {.to = to, .total = wal->bytes};
    int code;

    progress_init(&copying.progress, mono_now());
    code = each_wal(from, wal, copy_wal, &copying, err);
    progress_end(&copying.progress);
    if (code == EXIT_CODE_SUCCESS && pgdata_sync_directory(to, err) != 0)
        code = EXIT_CODE_SYSTEM;
    return code;
}

/* ---- where to ------------------------------------------------------------------- */

static int check_room(const char *directory, int64_t bytes, struct err *err)
{
    struct statvfs fs;
    int64_t available;

    if (statvfs(directory, &fs) != 0)
        return EXIT_CODE_SUCCESS;
    available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (available > bytes)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -ENOSPC, "there is no room to keep this node's WAL in \"%s\"",
                  directory);
    err_detail(err, "%" PRId64 " MB are needed, %" PRId64 " MB are free", bytes >> 20,
               available >> 20);
    err_hint(err, "name another place with \"--config-archive-dir=DIRECTORY\"");
    return EXIT_CODE_REJOIN;
}

/* Beside the data directory when that can be, since it is the size of its WAL. */
static int choose_place(const struct rejoin *rejoin, char **ret, struct err *err)
{
    const struct cmd_context *context = rejoin->context;

    if (context->line.config_archive_dir != NULL) {
        *ret = xstrdup(context->line.config_archive_dir);
        return make_directory(*ret, err);
    }
    *ret = xasprintf("%s.pgrmon-kept", rejoin->directory);
    if (make_directory(*ret, NULL) == EXIT_CODE_SUCCESS)
        return EXIT_CODE_SUCCESS;
    free(*ret);
    *ret = xasprintf("%s/kept", context->config.state_directory);
    return make_directory(*ret, err);
}

static int make_kept(struct rejoin *rejoin, int64_t bytes, struct err *err)
{
    char *place CLEANUP(cleanup_free) = NULL;
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    int code = choose_place(rejoin, &place, err);

    if (code == EXIT_CODE_SUCCESS)
        code = check_room(place, bytes, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    rejoin->kept = xasprintf("%s/%s", place, stamp);
    for (int i = 2; mkdir(rejoin->kept, 0700) != 0; i++) {
        if (errno != EEXIST || i > 100)
            return fail(err, "create", rejoin->kept);
        free(rejoin->kept);
        rejoin->kept = xasprintf("%s/%s-%d", place, stamp, i);
    }
    return pgdata_sync_directory(place, err) == 0 ? EXIT_CODE_SUCCESS
                                                  : EXIT_CODE_SYSTEM;
}

/* ---- configuration -------------------------------------------------------------- */

/* A name of the user's stays within the data directory. */
static bool is_inside(const char *name)
{
    return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL &&
           strchr(name, '/') == NULL;
}

static int
copy_config(const char *from, const char *to, const char *name, struct err *err)
{
    char *source CLEANUP(cleanup_free) = xasprintf("%s/%s", from, name);
    char *target CLEANUP(cleanup_free) = xasprintf("%s/%s", to, name);
    struct stat st;

    if (lstat(source, &st) != 0 || !S_ISREG(st.st_mode))
        return EXIT_CODE_SUCCESS; /* /etc has it, or nobody */
    return copy_file(source, target, err);
}

static int copy_configs(const struct rejoin *rejoin,
                        const char *from,
                        const char *to,
                        struct err *err)
{
    const char *more = rejoin->context->line.config_files;
    char *names CLEANUP(cleanup_free) = xstrdup(more != NULL ? more : "");
    char *rest = names, *name;
    int code = EXIT_CODE_SUCCESS;

    for (int i = 0; config_names[i] != NULL && code == EXIT_CODE_SUCCESS; i++)
        code = copy_config(from, to, config_names[i], err);
    while (code == EXIT_CODE_SUCCESS && (name = strsep(&rest, ",")) != NULL) {
        if (name[0] == '\0')
            continue;
        if (!is_inside(name)) {
            (void)err_set(err, -EINVAL,
                          "\"%s\" is no file of the data directory itself", name);
            err_hint(err, "give names without a path to \"--config-files\"");
            return EXIT_CODE_BAD_CONFIG;
        }
        code = copy_config(from, to, name, err);
    }
    if (code == EXIT_CODE_SUCCESS && pgdata_sync_directory(to, err) != 0)
        code = EXIT_CODE_SYSTEM;
    return code;
}

int rejoin_restore_config(const struct rejoin *rejoin,
                          const char *directory,
                          struct err *err)
{
    char *from CLEANUP(cleanup_free) = xasprintf("%s/config", rejoin->kept);

    return copy_configs(rejoin, from, directory, err);
}

/* ---- all of it ------------------------------------------------------------------ */

static struct wal wal_from(const struct rejoin *rejoin, struct lsn from)
{
    struct wal wal = {.segment_bytes = (uint64_t)server_setting_int(
                          &rejoin->server, "wal_segment_size", INT64_C(16) << 20)};

    if (lsn_known(from))
        wal.from = from.pos / wal.segment_bytes;
    return wal;
}

int rejoin_keep(struct rejoin *rejoin, struct lsn from, struct err *err)
{
    char *pg_wal CLEANUP(cleanup_free) = xasprintf("%s/pg_wal", rejoin->directory);
    char *wal_to CLEANUP(cleanup_free) = NULL;
    char *config_to CLEANUP(cleanup_free) = NULL;
    struct wal wal = wal_from(rejoin, from);
    int code = each_wal(pg_wal, &wal, count, &wal, err);

    if (code == EXIT_CODE_SUCCESS)
        code = make_kept(rejoin, wal.bytes + (INT64_C(16) << 20), err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    wal_to = xasprintf("%s/pg_wal", rejoin->kept);
    config_to = xasprintf("%s/config", rejoin->kept);
    code = make_directory(wal_to, err);
    if (code == EXIT_CODE_SUCCESS)
        code = make_directory(config_to, err);
    if (code == EXIT_CODE_SUCCESS)
        code = copy_all_wal(pg_wal, wal_to, &wal, err);
    if (code == EXIT_CODE_SUCCESS)
        code = copy_configs(rejoin, rejoin->directory, config_to, err);
    if (code == EXIT_CODE_SUCCESS && pgdata_sync_directory(rejoin->kept, err) != 0)
        code = EXIT_CODE_SYSTEM;
    if (code == EXIT_CODE_SUCCESS)
        log_notice("the WAL of this node is kept in \"%s\" (%d files, %" PRId64 " MB)",
                   rejoin->kept, wal.n, wal.bytes >> 20);
    return code;
}

int rejoin_restore_wal(const struct rejoin *rejoin, struct err *err)
{
    char *pg_wal CLEANUP(cleanup_free) = xasprintf("%s/pg_wal", rejoin->directory);
    char *from CLEANUP(cleanup_free) = xasprintf("%s/pg_wal", rejoin->kept);
    struct wal wal = wal_from(rejoin, LSN_UNKNOWN);
    int code = each_wal(from, &wal, count, &wal, err);

    return code == EXIT_CODE_SUCCESS ? copy_all_wal(from, pg_wal, &wal, err) : code;
}
