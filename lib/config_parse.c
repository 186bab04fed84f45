/* config_parse.c - files to settings, by inih.
 *
 * inih, as Debian builds it (libinih 55), cuts lines at 200 bytes, ends values at " ;",
 * and delivers the piece before it reports anything. So its limits are raised at run
 * time, and it does not read the file: our reader hands it one line at a time, already
 * cut by the grammar of postgresql.conf (config_scan.c) and written as "name=value". A
 * line that cannot be handed over whole is refused with its number, and what inih hands
 * back is compared with what it was given. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "config_private.h"

#define FILES_MAX 256 /* an include may include, but not for ever */

/* One file while inih asks for its lines. */
struct source {
    struct config_loader *loader;
    const char *path;
    const char *next; /* first byte not handed out */
    const char *end;
    int line;           /* the line inih has now */
    const char *expect; /* the value it was given, not terminated */
    size_t expect_len;
};

static void refuse(struct source *source, const char *problem)
{
    config_issue_add(&source->loader->config->issues, CONFIG_ERROR, source->path,
                     source->line, "%s", problem);
}

/* A refused line names its setting, if that is one: other text may be secret. */
static void
refuse_line(struct source *source, const struct config_line *cut, const char *problem)
{
    char *name CLEANUP(cleanup_free) = NULL;
    int row = -1;

    if (cut->name != NULL) {
        name = xasprintf("%.*s", (int)(cut->name_len < 64 ? cut->name_len : 64),
                         cut->name);
        row = config_table_find(name);
    }
    if (row < 0)
        refuse(source, problem);
    else
        config_issue_add(&source->loader->config->issues, CONFIG_ERROR, source->path,
                         source->line, "\"%s\": %s", config_table[row].name, problem);
}

/* The next line of the file, without its end; false at the end of the file. */
static bool take_line(struct source *source, const char **ret, size_t *ret_len)
{
    const char *newline;

    if (source->next == source->end)
        return false;
    *ret = source->next;
    newline = memchr(*ret, '\n', (size_t)(source->end - *ret));
    *ret_len = (size_t)((newline == NULL ? source->end : newline) - *ret);
    source->next = newline == NULL ? source->end : newline + 1;
    if (*ret_len > 0 && (*ret)[*ret_len - 1] == '\r')
        (*ret_len)--;
    source->line++;
    return true;
}

/* The ini_reader: like fgets. Lines without a setting become empty ones. */
static char *read_line(char *buf, int size, void *context)
{
    struct source *source = context;
    struct config_line cut = {0};
    const char *line, *problem;
    size_t len;

    if (!take_line(source, &line, &len))
        return NULL;
    (void)memcpy(buf, "\n", 2);
    if (len > CONFIG_LINE_MAX) {
        refuse(source, "the line is too long (16384 bytes are the limit)");
        return buf;
    }
    problem = config_scan_line(line, len, &cut);
    if (problem == NULL && cut.name_len + cut.value_len + 3 > (size_t)size)
        problem = "the line is too long";
    if (problem != NULL) {
        refuse_line(source, &cut, problem);
        return buf;
    }
    if (cut.name == NULL)
        return buf;
    (void)memcpy(buf, cut.name, cut.name_len);
    buf[cut.name_len] = '=';
    (void)memcpy(buf + cut.name_len + 1, cut.value, cut.value_len);
    (void)memcpy(buf + cut.name_len + 1 + cut.value_len, "\n", 2);
    source->expect = cut.value;
    source->expect_len = cut.value_len;
    return buf;
}

/* include: the file, relative to the one that names it. */
static void include_file(struct source *source, const char *path, bool optional)
{
    struct config_loader *loader = source->loader;
    struct config_issues *issues = &loader->config->issues;
    int r;

    if (loader->depth >= CONFIG_INCLUDE_DEPTH) {
        config_issue_add(issues, CONFIG_ERROR, source->path, source->line,
                         "files are included more than %d levels deep",
                         CONFIG_INCLUDE_DEPTH);
        return;
    }
    loader->depth++;
    r = config_parse_file(loader, path);
    loader->depth--;
    if (r == -ENOENT && optional)
        config_issue_add(issues, CONFIG_INFO, source->path, source->line,
                         "skipped \"%s\", which does not exist", path);
    else if (r < 0)
        config_issue_add(issues, CONFIG_ERROR, source->path, source->line,
                         "could not read included file \"%s\": %s", path,
                         config_read_error(r));
}

static int is_conf(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 &&
           strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same in every locale */
}

static void include_dir(struct source *source, const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_conf, by_bytes);

    if (n < 0) {
        config_issue_add(&source->loader->config->issues, CONFIG_ERROR, source->path,
                         source->line, "could not read directory \"%s\": %s", path,
                         strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        char *file CLEANUP(cleanup_free) = xasprintf("%s/%s", path, entries[i]->d_name);

        include_file(source, file, false);
        free(entries[i]);
    }
    free(entries);
}

/* True when the line was an include and is done. */
static bool handle_include(struct source *source, const char *name, const char *value)
{
    const char *slash = strrchr(source->path, '/');
    char *path CLEANUP(cleanup_free) = NULL;
    bool file = strcasecmp(name, "include") == 0;
    bool optional = strcasecmp(name, "include_if_exists") == 0;

    if (!file && !optional && strcasecmp(name, "include_dir") != 0)
        return false;
    if (value[0] == '\0') {
        refuse(source, "there is nothing to include");
        return true;
    }
    path = value[0] == '/' || slash == NULL
               ? xstrdup(value)
               : xasprintf("%.*s/%s", (int)(slash - source->path), source->path, value);
    if (file || optional)
        include_file(source, path, optional);
    else
        include_dir(source, path);
    return true;
}

/* The ini_handler; 1 means that there is no more for inih to report. */
static int
handle(void *context, const char *section, const char *name, const char *value)
{
    struct source *source = context;
    char *text CLEANUP(cleanup_free) = NULL;
    const char *problem;
    struct config_line cut = {.name = name, .name_len = strlen(name)};

    (void)section;
    if (strlen(value) != source->expect_len ||
        memcmp(value, source->expect, source->expect_len) != 0) {
        refuse_line(source, &cut, "the value could not be read whole");
        return 1;
    }
    problem = config_unquote(value, &text);
    if (problem != NULL)
        refuse_line(source, &cut, problem);
    else if (!handle_include(source, name, text))
        config_set(source->loader->config, name, text, CONFIG_FROM_FILE, source->path,
                   source->line);
    return 1;
}

void config_parse_buffer(struct config_loader *loader,
                         const char *name,
                         const char *data,
                         size_t len)
{
    struct source source = {
        .loader = loader, .path = name, .next = data, .end = data + len};
    int r;

    ini_use_stack = false; /* 16 KiB at ten levels belong on the heap */
    ini_max_line = CONFIG_LINE_MAX + 3;
    ini_initial_alloc = ini_max_line;
    ini_allow_realloc = false;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_allow_no_value = false;
    ini_allow_bom = false;
    ini_stop_on_first_error = true;
    if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        source.next += 3;
    r = ini_parse_stream(read_line, &source, handle, &source);
    if (r == -2)
        err_out_of_memory();
    if (r != 0)
        refuse(&source, "the line could not be parsed");
}

/* The whole file, to free; -errno when it cannot be had. */
static int read_whole(int fd, const struct stat *st, char **ret, size_t *ret_len)
{
    size_t room = (size_t)st->st_size + 1, len = 0;
    char *data CLEANUP(cleanup_free) = xcalloc(room, 1);
    ssize_t n;

    do {
        n = read(fd, data + len, room - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        len += n > 0 ? (size_t)n : 0;
    } while (n != 0 && len < room);
    if (len > (size_t)st->st_size)
        return -EBUSY; /* it grew while we read */
    *ret = data;
    *ret_len = len;
    data = NULL;
    return 0;
}

static int open_regular(const char *path, struct stat *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
    int r = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, ret) < 0)
        r = -errno;
    else if (S_ISDIR(ret->st_mode))
        r = -EISDIR;
    else if (!S_ISREG(ret->st_mode))
        r = -EINVAL;
    else if (ret->st_size > CONFIG_FILE_MAX)
        r = -EFBIG;
    if (r < 0)
        (void)close(fd);
    return r < 0 ? r : fd;
}

/* A place for the file in the list, or -errno when it is not to be read. */
static int
remember(struct config_loader *loader, const char *path, const struct stat *st)
{
    if (loader->seen == NULL)
        loader->seen = xcalloc(FILES_MAX, sizeof *loader->seen);
    for (size_t i = 0; i < loader->n_seen; i++)
        if (loader->seen[i].open && loader->seen[i].device == st->st_dev &&
            loader->seen[i].inode == st->st_ino)
            return -EDEADLK;
    if (loader->n_seen == FILES_MAX)
        return -EMFILE;
    loader->seen[loader->n_seen++] = (struct config_file_seen){.path = xstrdup(path),
                                                               .mode = st->st_mode,
                                                               .device = st->st_dev,
                                                               .inode = st->st_ino,
                                                               .open = true};
    return 0;
}

const char *config_read_error(int code)
{
    switch (code) {
    case -EFBIG:
        return "it is larger than 1 MiB";
    case -EINVAL:
        return "it is not a regular file";
    case -EDEADLK:
        return "it includes itself";
    case -EMFILE:
        return "more than 256 files are included";
    default:
        return strerror(-code);
    }
}

int config_parse_file(struct config_loader *loader, const char *path)
{
    char *data CLEANUP(cleanup_free) = NULL;
    size_t len = 0, place = loader->n_seen;
    struct stat st;
    int fd, r;

    fd = open_regular(path, &st);
    if (fd < 0)
        return fd;
    r = read_whole(fd, &st, &data, &len);
    (void)close(fd);
    if (r == 0)
        r = remember(loader, path, &st);
    if (r < 0)
        return r;
    config_parse_buffer(loader, path, data, len);
    loader->seen[place].open = false;
    explicit_bzero(data, len); /* it may hold a password */
    return 0;
}

void config_loader_deinit(struct config_loader *loader)
{
    for (size_t i = 0; i < loader->n_seen; i++)
        free(loader->seen[i].path);
    free(loader->seen);
    loader->seen = NULL;
    loader->n_seen = 0;
}
