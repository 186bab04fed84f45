/* config_doc_main.c - config_doc write|check SAMPLE MANUAL: keep both as the table
 * says.
 *
 * The sample is generated as a whole, the manual page between its two markers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config.h"

#define BEGIN "<!-- begin settings: written by config_doc -->\n"
#define END   "<!-- end settings -->\n"

static void cleanup_file(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

/* The text of a file, to free; NULL when it cannot be read. */
static char *read_text(const char *path)
{
    FILE *file CLEANUP(cleanup_file) = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL || getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *generate(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        err_out_of_memory();
    write(out);
    if (fclose(out) != 0)
        err_out_of_memory();
    return text;
}

/* What the manual page should be, to free; NULL when it has no markers. */
static char *new_manual(const char *old)
{
    char *settings CLEANUP(cleanup_free) = generate(config_write_manual);
    const char *begin = strstr(old, BEGIN);
    const char *end = begin == NULL ? NULL : strstr(begin, END);

    if (end == NULL)
        return NULL;
    return xasprintf("%.*s\n%s\n%s", (int)(begin - old + (int)strlen(BEGIN)), old,
                     settings, end);
}

static int update(const char *path, const char *text, bool check)
{
    char *old CLEANUP(cleanup_free) = read_text(path);
    FILE *file CLEANUP(cleanup_file) = NULL;

    if (old != NULL && strcmp(old, text) == 0)
        return 0;
    if (check) {
        (void)fprintf(stderr,
                      "%s differs from lib/config_table.c; rebuild it with: "
                      "cmake --build --preset dev --target config-doc\n",
                      path);
        return 1;
    }
    file = fopen(path, "we");
    if (file == NULL || fputs(text, file) == EOF || fflush(file) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *sample CLEANUP(cleanup_free) = NULL, *manual CLEANUP(cleanup_free) = NULL;
    char *old CLEANUP(cleanup_free) = NULL;
    bool check;

    if (argc != 4 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "check") != 0)) {
        (void)fputs("usage: config_doc write|check SAMPLE MANUAL\n", stderr);
        return 2;
    }
    check = strcmp(argv[1], "check") == 0;
    sample = generate(config_write_sample);
    old = read_text(argv[3]);
    manual = old == NULL ? NULL : new_manual(old);
    if (manual == NULL) {
        (void)fprintf(stderr, "%s: cannot be read, or its markers are missing\n",
                      argv[3]);
        return 1;
    }
    return update(argv[2], sample, check) | update(argv[3], manual, check);
}
