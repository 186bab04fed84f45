/* err.c - errors as values, and the one place that gives up when memory is gone. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return code;
    err->code = code;
    err->detail[0] = '\0';
    err->hint[0] = '\0';
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

void err_detail(struct err *err, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(err->detail, sizeof err->detail, fmt, args);
    va_end(args);
}

void err_hint(struct err *err, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    char prefix[sizeof err->text];
    char text[sizeof err->text];
    va_list args;
    int n;

    if (err == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    (void)memcpy(text, err->text, sizeof text);
    n = snprintf(err->text, sizeof err->text, "%.255s: ", prefix);
    (void)snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", text);
}

_Noreturn void err_out_of_memory(void)
{
    (void)fputs("FATAL: out of memory\n", stderr);
    abort();
}

void *xcalloc(unsigned long n, unsigned long size)
{
    void *p = calloc(n, size);

    if (p == NULL)
        err_out_of_memory();
    return p;
}

char *xstrdup(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        err_out_of_memory();
    return copy;
}

char *xasprintf(const char *fmt, ...)
{
    char *text;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
    return text;
}
