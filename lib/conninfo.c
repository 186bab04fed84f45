/* conninfo.c - libpq's connection strings, read by libpq's parser. */
#include "conninfo.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static void cleanup_options(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}

static const char *const secrets[] = {"password", "sslpassword"};

static bool is_secret(const char *keyword)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strcmp(keyword, secrets[i]) == 0)
            return true;
    return false;
}

/* libpq quotes the piece it stumbles over, and that can be a part of a password
 * (password=two words): drop everything between double quotes then. */
static void hide_quoted(char *text)
{
    char *to = text;
    bool inside = false;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"') {
            *to++ = '"';
            inside = !inside;
        } else if (!inside) {
            *to++ = *p;
        }
    }
    *to = '\0';
}

/* True unless the text can hold no password, whether or not it can be parsed. */
static bool may_hold_secret(const char *conninfo)
{
    return strcasestr(conninfo, "pass") != NULL || strstr(conninfo, "://") != NULL ||
           strchr(conninfo, '%') != NULL;
}

/* libpq's options with the values of `conninfo`, to free; NULL and `err` filled. */
static PQconninfoOption *parse(const char *conninfo, struct err *err)
{
    PQconninfoOption *options;
    char *message = NULL;

    options = PQconninfoParse(conninfo, &message);
    if (options != NULL)
        return options;
    if (message == NULL)
        err_out_of_memory();
    message[strcspn(message, "\n")] = '\0';
    if (may_hold_secret(conninfo))
        hide_quoted(message);
    (void)err_set(err, -EINVAL, "%s", message);
    PQfreemem(message);
    return NULL;
}

int conninfo_check(const char *conninfo, struct err *err)
{
    PQconninfoOption *options CLEANUP(cleanup_options) = parse(conninfo, err);

    return options == NULL ? -EINVAL : 0;
}

static PQconninfoOption *find(PQconninfoOption *options, const char *keyword)
{
    for (PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o;
    return NULL;
}

static bool is_set(const PQconninfoOption *option)
{
    return option != NULL && option->val != NULL && option->val[0] != '\0';
}

char *conninfo_get(const char *conninfo, const char *keyword)
{
    PQconninfoOption *options CLEANUP(cleanup_options) = parse(conninfo, NULL);
    PQconninfoOption *option = options == NULL ? NULL : find(options, keyword);

    return is_set(option) ? xstrdup(option->val) : NULL;
}

bool conninfo_has_secret(const char *conninfo)
{
    PQconninfoOption *options CLEANUP(cleanup_options) = parse(conninfo, NULL);

    if (options == NULL)
        return false;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (is_secret(o->keyword) && is_set(o))
            return true;
    return false;
}

/* The value a keyword has after the changes; the last change counts. */
static const char *changed(const PQconninfoOption *option,
                           const struct conninfo_change *changes,
                           size_t n_changes)
{
    const char *value = is_set(option) ? option->val : NULL;

    for (size_t i = 0; i < n_changes; i++)
        if (strcmp(option->keyword, changes[i].keyword) == 0)
            value = changes[i].value;
    return value;
}

/* Options of `base`; NULL when it or a changed keyword is not libpq's. */
static PQconninfoOption *parse_for(const char *base,
                                   const struct conninfo_change *changes,
                                   size_t n_changes,
                                   struct err *err)
{
    PQconninfoOption *options = parse(base, err);

    for (size_t i = 0; options != NULL && i < n_changes; i++)
        if (find(options, changes[i].keyword) == NULL) {
            (void)err_set(err, -EINVAL, "invalid connection option \"%s\"",
                          changes[i].keyword);
            PQconninfoFree(options);
            options = NULL;
        }
    return options;
}

/* Append keyword='value', with what libpq's quotes need; returns the new end. */
static char *append(char *to, const char *keyword, const char *value, bool first)
{
    if (!first)
        *to++ = ' ';
    to = stpcpy(stpcpy(to, keyword), "=");
    if (value[0] != '\0' && value[strcspn(value, " \t\r\n\f\v'\\")] == '\0')
        return stpcpy(to, value);
    *to++ = '\'';
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    return stpcpy(to, "'");
}

int conninfo_build(char **ret,
                   const char *base,
                   const struct conninfo_change *changes,
                   size_t n_changes,
                   struct err *err)
{
    PQconninfoOption *options CLEANUP(cleanup_options) =
        parse_for(base, changes, n_changes, err);
    size_t room = 1;
    char *end;

    if (options == NULL)
        return -EINVAL;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        const char *value = changed(o, changes, n_changes);

        if (value != NULL) /* blank, equals sign, quotes, everything escaped */
            room += strlen(o->keyword) + 2 * strlen(value) + 4;
    }
    end = *ret = xcalloc(room, 1);
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        const char *value = changed(o, changes, n_changes);

        if (value != NULL)
            end = append(end, o->keyword, value, end == *ret);
    }
    return 0;
}

int conninfo_params_init(struct conninfo_params *ret,
                         const char *base,
                         const struct conninfo_change *changes,
                         size_t n_changes,
                         struct err *err)
{
    PQconninfoOption *options CLEANUP(cleanup_options) =
        parse_for(base, changes, n_changes, err);
    size_t n = 0;

    *ret = (struct conninfo_params)CONNINFO_PARAMS_NULL;
    if (options == NULL)
        return -EINVAL;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        n++;
    ret->keywords = xcalloc(n + 1, sizeof *ret->keywords);
    ret->values = xcalloc(n + 1, sizeof *ret->values);
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        const char *value = changed(o, changes, n_changes);

        if (value == NULL)
            continue;
        ret->keywords[ret->n] = xstrdup(o->keyword);
        ret->values[ret->n++] = xstrdup(value);
    }
    return 0;
}

/* The array's elements are ours, though libpq wants them const. */
static void wipe(const char *text)
{
    union {
        const char *shown;
        char *own;
    } string = {.shown = text};

    explicit_bzero(string.own, strlen(text));
    free(string.own);
}

void conninfo_params_deinit(struct conninfo_params *params)
{
    for (size_t i = 0; i < params->n; i++) {
        wipe(params->keywords[i]);
        wipe(params->values[i]);
    }
    free(params->keywords);
    free(params->values);
    *params = (struct conninfo_params)CONNINFO_PARAMS_NULL;
}

bool conninfo_equal(const char *a, const char *b)
{
    PQconninfoOption *options_a CLEANUP(cleanup_options) = parse(a, NULL);
    PQconninfoOption *options_b CLEANUP(cleanup_options) = parse(b, NULL);

    if (options_a == NULL || options_b == NULL)
        return strcmp(a, b) == 0;
    for (size_t i = 0; options_a[i].keyword != NULL; i++) {
        const PQconninfoOption *x = &options_a[i], *y = &options_b[i];

        if (is_set(x) != is_set(y) || (is_set(x) && strcmp(x->val, y->val) != 0))
            return false;
    }
    return true;
}
