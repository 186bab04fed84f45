/* config_doc.c - the sample file and the manual page's settings, from the table. */
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config_private.h"

#define SAMPLE_WIDTH 78

/* Words of `text` in lines that begin with `prefix`. */
static void wrap(FILE *out, const char *prefix, const char *text)
{
    size_t column = 0, len;

    for (const char *word = text; *word != '\0'; word += len + (word[len] == ' ')) {
        len = strcspn(word, " ");
        if (column > 0 && column + 1 + len > SAMPLE_WIDTH) {
            (void)fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s", prefix) - 1;
        else
            (void)fputc(' ', out);
        (void)fprintf(out, "%.*s", (int)len, word);
        column += 1 + len;
    }
    (void)fputc('\n', out);
}

/* As the value must be written: quoted unless it is a plain word. */
static char *literal(const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_";

    return value[0] != '\0' && value[strspn(value, plain)] == '\0'
               ? xstrdup(value)
               : xasprintf("'%s'", value);
}

static bool new_section(size_t i)
{
    return i == 0 || config_table[i].section != config_table[i - 1].section;
}

void config_write_sample(FILE *out)
{
    wrap(out, "# ",
         "pgrmon.conf: every setting at its default. Written from the table of "
         "settings; "
         "see pgrmon.conf(5). Remove the \"#\" to change one. Environment variables "
         "PGRMON_<NAME> win over this file. Times have a unit of us, ms, s, min, h or "
         "d; "
         "without one, they are seconds. \"pgrmon config check\" reads the file as the "
         "daemon does, which does so again on SIGHUP.");
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];
        char *value CLEANUP(cleanup_free) =
            literal(row->required ? row->example : row->fallback);

        if (new_section(i))
            (void)fprintf(out, "\n\n# ---- %s ----\n", row->section);
        (void)fputc('\n', out);
        wrap(out, "# ", row->help);
        if (row->required || !row->reloadable)
            (void)fprintf(out, "# (%s%s%s)\n", row->required ? "required" : "",
                          row->required && !row->reloadable ? "; " : "",
                          row->reloadable ? "" : "a change needs a restart");
        (void)fprintf(out, "%s%s = %s\n", row->required ? "" : "#", row->name, value);
    }
}

static void write_words(FILE *out, const struct config_row *row)
{
    (void)fputs("one of ", out);
    for (const struct config_word *w = row->words; w->word != NULL; w++)
        (void)fprintf(out, "%s`%s`", w == row->words ? "" : ", ", w->word);
}

static void write_type(FILE *out, const struct config_row *row)
{
    char *min CLEANUP(cleanup_free) = config_duration_format(row->min);
    char *max CLEANUP(cleanup_free) = config_duration_format(row->max);

    switch (row->type) {
    case CONFIG_TYPE_INT:
        (void)fprintf(out, "number from %d to %d", (int)row->min, (int)row->max);
        break;
    case CONFIG_TYPE_BOOL:
        (void)fputs("`yes` or `no`", out);
        break;
    case CONFIG_TYPE_DURATION:
        (void)fprintf(out, "time from %s to %s", min, max);
        break;
    case CONFIG_TYPE_ENUM:
        write_words(out, row);
        break;
    case CONFIG_TYPE_STRING:
        (void)fputs("text", out);
        break;
    case CONFIG_TYPE_PATH:
        (void)fputs("absolute path", out);
        break;
    case CONFIG_TYPE_CONNINFO:
        (void)fputs("connection string", out);
        break;
    case CONFIG_TYPE_LIST:
        (void)fputs("list, separated by commas", out);
        break;
    case CONFIG_TYPE_MAPPING:
        (void)fputs("text, may be repeated", out);
        break;
    }
}

/* Percent signs and the like are markdown's only within code. */
static void write_help(FILE *out, const char *help)
{
    for (const char *p = help; *p != '\0'; p++) {
        if (strchr("_*<>\"\\", *p) != NULL)
            (void)fputc('\\', out);
        (void)fputc(*p, out);
    }
    (void)fputc('\n', out);
}

static void write_ignored(FILE *out)
{
    (void)fputs("\n## Settings of repmgr without effect\n\n"
                "They are accepted with a warning, so that a `repmgr.conf` loads.\n",
                out);
    for (size_t i = 0; i < config_ignored_size; i++) {
        (void)fprintf(out, "\n`%s`\n:   ", config_ignored[i].name);
        write_help(out, config_ignored[i].reason);
    }
}

void config_write_manual(FILE *out)
{
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];

        if (new_section(i))
            (void)fprintf(out, "%s## %s\n", i == 0 ? "" : "\n", row->section);
        (void)fprintf(out, "\n`%s` (", row->name);
        write_type(out, row);
        if (row->required)
            (void)fputs("; required", out);
        else if (row->fallback[0] == '\0')
            (void)fputs("; default empty", out);
        else
            (void)fprintf(out, "; default `%s`", row->fallback);
        (void)fprintf(out, "%s)\n:   ", row->reloadable ? "" : "; needs a restart");
        write_help(out, row->help);
    }
    write_ignored(out);
}
