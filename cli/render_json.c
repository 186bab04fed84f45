/* render_json.c - JSON by jansson, and the few rules of CSV. */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "render.h"

static json_t *must(json_t *value)
{
    if (value == NULL)
        err_out_of_memory();
    return value;
}

/* What is not UTF-8 (a node named in another encoding) loses those bytes. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value != NULL)
        return value;
    copy = xstrdup(text);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = must(json_string(copy));
    free(copy);
    return value;
}

json_t *render_json_text(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return json_null();
    return text_value(text);
}

json_t *render_json_number(int64_t value, bool known)
{
    return known ? must(json_integer(value)) : json_null();
}

void render_json_print(json_t *root, FILE *out)
{
    char *text = json_dumps(must(root), JSON_INDENT(2) | JSON_REAL_PRECISION(6));

    if (text == NULL)
        err_out_of_memory();
    (void)fprintf(out, "%s\n", text);
    free(text);
    json_decref(root);
}

void render_csv_field(FILE *out, const char *text, bool always_quote)
{
    if (!always_quote && text[strcspn(text, ",\"\r\n")] == '\0') {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

char *render_bytes(int64_t bytes, char buf[static 32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;

    /* pg_size_pretty(): up to 10240 of a unit, rounded half up. */
    while (bytes >= 10240 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes = (bytes + 512) / 1024;
        unit++;
    }
    (void)snprintf(buf, 32, "%lld %s", (long long)bytes, units[unit]);
    return buf;
}
