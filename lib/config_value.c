/* config_value.c - the text of a setting to its field and back, by the type of its row.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_private.h"
#include "conninfo.h"

/* A field is reached by offset, and copied, so that its type is never guessed. */
static void *field(struct config *config, const struct config_row *row)
{
    return (char *)config + row->offset;
}

static const void *const_field(const struct config *config,
                               const struct config_row *row)
{
    return (const char *)config + row->offset;
}

static size_t field_size(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_ENUM:
        return sizeof(int);
    case CONFIG_TYPE_BOOL:
        return sizeof(bool);
    case CONFIG_TYPE_DURATION:
        return sizeof(int64_t);
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_CONNINFO:
        return sizeof(char *);
    case CONFIG_TYPE_LIST:
    case CONFIG_TYPE_MAPPING:
        return sizeof(struct config_list);
    }
    abort();
}

static const struct {
    const char *unit;
    int64_t us;
} units[] = {
    {"us",  1          },
    {"ms",  1000       },
    {"s",   1000000    },
    {"min", 60000000   },
    {"h",   3600000000 },
    {"d",   86400000000},
};

#define N_UNITS (sizeof units / sizeof *units)

static int64_t unit_us(const char *unit)
{
    for (size_t i = 0; i < N_UNITS; i++)
        if (strcmp(unit, units[i].unit) == 0)
            return units[i].us;
    return *unit == '\0' ? 1000000 : 0;
}

bool config_duration_parse(const char *text, int64_t *ret_ms)
{
    int64_t whole = 0, fraction = 0, scale = 1, us;
    const char *p = text;

    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (whole > INT64_MAX / 10 / 86400000000 - 1)
            return false;
        whole = whole * 10 + (*p - '0');
    }
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++) {
            if (scale == 1000000)
                continue; /* beyond a millionth */
            fraction = fraction * 10 + (*p - '0');
            scale *= 10;
        }
    while (*p == ' ' || *p == '\t')
        p++;
    us = unit_us(p);
    if (us == 0)
        return false;
    us = whole * us + fraction * us / scale;
    *ret_ms = (us + 500) / 1000; /* to the nearest, as PostgreSQL rounds */
    return true;
}

char *config_duration_format(int64_t ms)
{
    size_t i = N_UNITS - 1;

    if (ms == 0)
        return xstrdup("0");
    while (ms % (units[i].us / 1000) != 0)
        i--; /* ends at "ms" */
    return xasprintf("%" PRId64 "%s", ms / (units[i].us / 1000), units[i].unit);
}

static bool parse_bool(const char *text, bool *ret)
{
    static const char *const yes[] = {"on", "yes", "true", "1"};
    static const char *const no[] = {"off", "no", "false", "0"};

    for (size_t i = 0; i < 4; i++) {
        *ret = strcasecmp(text, yes[i]) == 0;
        if (*ret || strcasecmp(text, no[i]) == 0)
            return true;
    }
    return false;
}

static char *
bad_value(const struct config_row *row, const char *text, const char *wanted)
{
    return xasprintf("invalid value \"%.60s%s\" for \"%s\": %s", text,
                     strlen(text) > 60 ? "..." : "", row->name, wanted);
}

static char *set_int(void *to, const struct config_row *row, const char *text)
{
    char *end, *wanted CLEANUP(cleanup_free) = NULL;
    long long value;
    int number;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < row->min ||
        value > row->max) {
        wanted = xasprintf("a whole number from %" PRId64 " to %" PRId64 " is expected",
                           row->min, row->max);
        return bad_value(row, text, wanted);
    }
    number = (int)value;
    (void)memcpy(to, &number, sizeof number);
    return NULL;
}

static char *set_duration(void *to, const struct config_row *row, const char *text)
{
    char *min CLEANUP(cleanup_free) = NULL, *max CLEANUP(cleanup_free) = NULL;
    char *wanted CLEANUP(cleanup_free) = NULL;
    int64_t ms;

    if (!config_duration_parse(text, &ms))
        return bad_value(row, text,
                         "a number with a unit of us, ms, s, min, h or d is expected");
    if (ms < row->min || ms > row->max) {
        min = config_duration_format(row->min);
        max = config_duration_format(row->max);
        wanted = xasprintf("it must lie between %s and %s", min, max);
        return bad_value(row, text, wanted);
    }
    (void)memcpy(to, &ms, sizeof ms);
    return NULL;
}

/* The words of an enumeration for people: "a", "b" or "c". */
static char *word_list(const struct config_word *words)
{
    char *text, *longer;

    text = xasprintf("\"%s\"", words[0].word);
    for (size_t i = 1; words[i].word != NULL; i++) {
        longer = xasprintf("%s%s\"%s\"", text,
                           words[i + 1].word == NULL ? " or " : ", ", words[i].word);
        free(text);
        text = longer;
    }
    return text;
}

static char *set_enum(void *to, const struct config_row *row, const char *text)
{
    char *words CLEANUP(cleanup_free) = NULL, *wanted CLEANUP(cleanup_free) = NULL;

    for (const struct config_word *w = row->words; w->word != NULL; w++)
        if (strcasecmp(text, w->word) == 0) {
            (void)memcpy(to, &w->value, sizeof w->value);
            return NULL;
        }
    words = word_list(row->words);
    wanted = xasprintf("%s is expected", words);
    return bad_value(row, text, wanted);
}

static char *set_bool(void *to, const struct config_row *row, const char *text)
{
    bool value;

    if (!parse_bool(text, &value))
        return bad_value(row, text, "yes or no is expected");
    (void)memcpy(to, &value, sizeof value);
    return NULL;
}

static char *set_string(void *to, const struct config_row *row, const char *text)
{
    char **string = to;
    struct err err = ERR_INIT;

    if (row->type == CONFIG_TYPE_PATH && text[0] != '\0' && text[0] != '/')
        return bad_value(row, text, "an absolute path is expected");
    if (row->type == CONFIG_TYPE_CONNINFO && conninfo_check(text, &err) != 0)
        return xasprintf("invalid value for \"%s\": %s", row->name, err.text);
    free(*string);
    *string = xstrdup(text);
    return NULL;
}

static void list_append(struct config_list *list, const char *text, size_t len)
{
    char **items = realloc(list->items, (list->n + 2) * sizeof *items);

    if (items == NULL)
        err_out_of_memory();
    list->items = items;
    items[list->n++] = xasprintf("%.*s", (int)len, text);
    items[list->n] = NULL;
}

static void list_free(struct config_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

/* Comma-separated; blanks around items and empty items do not count. */
static char *
set_list(struct config_list *to, const struct config_row *row, const char *text)
{
    struct config_list list = {0};
    const char *problem = NULL;

    for (const char *p = text; *p != '\0';) {
        size_t skip = strspn(p, ", \t"), len = strcspn(p + skip, ", \t");

        if (len > 0)
            list_append(&list, p + skip, len);
        p += skip + len;
    }
    for (size_t i = 0; i < list.n && problem == NULL; i++)
        problem = row->check == NULL ? NULL : row->check(list.items[i]);
    if (problem != NULL) {
        list_free(&list);
        return bad_value(row, text, problem);
    }
    list_free(to);
    *to = list;
    return NULL;
}

char *
config_value_set(struct config *config, const struct config_row *row, const char *text)
{
    void *to = field(config, row);
    const char *problem = config_text_check(text, strlen(text));

    if (problem != NULL) /* not quoted: it could not be printed */
        return xasprintf("invalid value for \"%s\": %s", row->name, problem);
    if (row->check != NULL && row->type != CONFIG_TYPE_LIST && text[0] != '\0')
        problem = row->check(text);
    if (problem != NULL)
        return bad_value(row, text, problem);
    switch (row->type) {
    case CONFIG_TYPE_INT:
        return set_int(to, row, text);
    case CONFIG_TYPE_BOOL:
        return set_bool(to, row, text);
    case CONFIG_TYPE_DURATION:
        return set_duration(to, row, text);
    case CONFIG_TYPE_ENUM:
        return set_enum(to, row, text);
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_CONNINFO:
        return set_string(to, row, text);
    case CONFIG_TYPE_LIST:
        return set_list(to, row, text);
    case CONFIG_TYPE_MAPPING:
        if (text[0] != '\0')
            list_append(to, text, strlen(text));
        return NULL;
    }
    abort();
}

static char *format_list(const struct config_list *list, const char *separator)
{
    char *text = xstrdup(""), *longer;

    for (size_t i = 0; i < list->n; i++) {
        longer = xasprintf("%s%s%s", text, i > 0 ? separator : "", list->items[i]);
        free(text);
        text = longer;
    }
    return text;
}

static char *format_enum(const struct config_word *words, int value)
{
    for (; words->word != NULL; words++)
        if (words->value == value)
            return xstrdup(words->word);
    abort();
}

char *config_value_format(const struct config *config, const struct config_row *row)
{
    const void *from = const_field(config, row);
    int number = 0;
    bool truth;
    int64_t ms;

    switch (row->type) {
    case CONFIG_TYPE_INT:
        (void)memcpy(&number, from, sizeof number);
        return xasprintf("%d", number);
    case CONFIG_TYPE_ENUM:
        (void)memcpy(&number, from, sizeof number);
        return format_enum(row->words, number);
    case CONFIG_TYPE_BOOL:
        (void)memcpy(&truth, from, sizeof truth);
        return xstrdup(truth ? "yes" : "no");
    case CONFIG_TYPE_DURATION:
        (void)memcpy(&ms, from, sizeof ms);
        return config_duration_format(ms);
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_CONNINFO:
        return xstrdup(*(char *const *)from);
    case CONFIG_TYPE_LIST:
        return format_list(from, ",");
    case CONFIG_TYPE_MAPPING:
        return format_list(from, " ");
    }
    abort();
}

/* Strings and lists to NULL, ready to be set or to be dropped. */
void config_value_clear(struct config *config, const struct config_row *row)
{
    char **string;

    switch (row->type) {
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_CONNINFO:
        string = field(config, row);
        if (*string != NULL)
            explicit_bzero(*string, strlen(*string)); /* it may hold a password */
        free(*string);
        *string = NULL;
        break;
    case CONFIG_TYPE_LIST:
    case CONFIG_TYPE_MAPPING:
        list_free(field(config, row));
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_BOOL:
    case CONFIG_TYPE_DURATION:
    case CONFIG_TYPE_ENUM:
        break;
    }
}

bool config_value_equal(const struct config *a,
                        const struct config *b,
                        const struct config_row *row)
{
    char *text_a CLEANUP(cleanup_free) = config_value_format(a, row);
    char *text_b CLEANUP(cleanup_free) = config_value_format(b, row);

    return strcmp(text_a, text_b) == 0;
}

void config_value_swap(struct config *a, struct config *b, const struct config_row *row)
{
    char spare[sizeof(struct config_list)];
    size_t size = field_size(row);

    (void)memcpy(spare, field(a, row), size);
    (void)memcpy(field(a, row), field(b, row), size);
    (void)memcpy(field(b, row), spare, size);
}
