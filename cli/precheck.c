/* precheck.c - see precheck.h. */
#include "precheck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

void precheck_deinit(struct precheck *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].text);
        free(list->items[i].detail);
        free(list->items[i].hint);
    }
    free(list->items);
    *list = (struct precheck)PRECHECK_INIT;
}

static char *format(const char *fmt, va_list args)
{
    char *text;

    if (vasprintf(&text, fmt, args) < 0)
        err_out_of_memory();
    return text;
}

/* Takes `text` over. */
static void
append(struct precheck *list, enum precheck_level level, int exit_code, char *text)
{
    struct precheck_item *items =
        realloc(list->items, (list->n + 1) * sizeof *list->items);

    if (items == NULL)
        err_out_of_memory();
    list->items = items;
    list->items[list->n++] = (struct precheck_item){level, exit_code, text, NULL, NULL};
    if (level != PRECHECK_FAIL)
        return;
    if (list->n_failed++ == 0)
        list->exit_code = exit_code;
}

void precheck_add(struct precheck *list,
                  enum precheck_level level,
                  const char *fmt,
                  ...)
{
    va_list args;

    va_start(args, fmt);
    append(list, level, 0, format(fmt, args));
    va_end(args);
}

void precheck_fail(struct precheck *list, int exit_code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    append(list, PRECHECK_FAIL, exit_code, format(fmt, args));
    va_end(args);
}

void precheck_fail_unless(
    struct precheck *list, bool force, int exit_code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    append(list, force ? PRECHECK_WARN : PRECHECK_FAIL, exit_code, format(fmt, args));
    va_end(args);
}

void precheck_fail_err(struct precheck *list, int exit_code, const struct err *err)
{
    append(list, PRECHECK_FAIL, exit_code, xstrdup(err->text));
    if (err->detail[0] != '\0')
        precheck_detail(list, "%s", err->detail);
    if (err->hint[0] != '\0')
        precheck_hint(list, "%s", err->hint);
}

void precheck_detail(struct precheck *list, const char *fmt, ...)
{
    struct precheck_item *item = &list->items[list->n - 1];
    va_list args;

    va_start(args, fmt);
    free(item->detail);
    item->detail = format(fmt, args);
    va_end(args);
}

void precheck_hint(struct precheck *list, const char *fmt, ...)
{
    struct precheck_item *item = &list->items[list->n - 1];
    va_list args;

    va_start(args, fmt);
    free(item->hint);
    item->hint = format(fmt, args);
    va_end(args);
}

static void tell(const struct precheck_item *item, bool dry_run)
{
    static const enum log_level levels[] = {
        [PRECHECK_OK] = LOG_LEVEL_DEBUG,
        [PRECHECK_NOTICE] = LOG_LEVEL_NOTICE,
        [PRECHECK_WARN] = LOG_LEVEL_WARNING,
        [PRECHECK_FAIL] = LOG_LEVEL_ERROR,
    };
    enum log_level level = levels[item->level];

    if (dry_run && level == LOG_LEVEL_DEBUG)
        level = LOG_LEVEL_INFO;
    log_msg(level, "%s", item->text);
    if (item->detail != NULL)
        log_detail(level, "%s", item->detail);
    if (item->hint != NULL)
        log_hint(level, "%s", item->hint);
}

static int fill_err(const struct precheck *list,
                    const struct precheck_item *only,
                    const char *command,
                    struct err *err)
{
    if (only != NULL) {
        (void)err_set(err, -EINVAL, "%s", only->text);
        err_detail(err, "%s", only->detail != NULL ? only->detail : "");
        err_hint(err, "%s", only->hint != NULL ? only->hint : "");
        return list->exit_code;
    }
    (void)err_set(err, -EINVAL, "%zu prerequisites for \"%s\" are not met",
                  list->n_failed, command);
    err_hint(err, "see the errors above; nothing has been changed");
    return list->exit_code;
}

int precheck_report(const struct precheck *list,
                    const char *command,
                    bool dry_run,
                    struct err *err)
{
    const struct precheck_item *only = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const struct precheck_item *item = &list->items[i];

        if (item->level == PRECHECK_FAIL && list->n_failed == 1)
            only = item;
        else
            tell(item, dry_run);
    }
    if (list->n_failed > 0)
        return fill_err(list, only, command, err);
    if (dry_run)
        log_info("all prerequisites for \"%s\" are met", command);
    return 0;
}
